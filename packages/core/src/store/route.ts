/**
 * How requests reach a file on a server. Redirects are followed; where they led is kept for the next request and
 * forgotten once that place refuses, since hubs redirect to signed addresses that expire. The caller's headers, which
 * may carry a token, go to the origin of the file's own address only.
 */
import { abortedError } from "../errors.js";
import { canOpenFiles } from "./file.js";
import { transientError, unreachableError } from "./http-response.js";
import type { SourceOptions } from "./source.js";
import { unlessStalled } from "./stall.js";

const MOST_REDIRECTS = 10;
/** What storage services answer for a signed address that has expired. */
const EXPIRED = new Set([400, 401, 403, 404, 410]);

export interface RouteRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Route {
  /** As the caller named the file; messages name it too, without what redirects add. */
  readonly url: URL;
  readonly #options: SourceOptions;
  #target: URL | undefined;
  #linkedSha256: string | undefined;

  constructor(url: URL, options: SourceOptions) {
    this.url = url;
    this.#options = options;
  }

  /** SHA-256 of the content, where the server told it when it redirected (Hugging Face's header X-Linked-Etag). */
  get linkedSha256(): string | undefined {
    return this.#linkedSha256;
  }

  /** @throws MilletError ABORTED, transient SOURCE_READ_FAILED if no answer comes */
  async request(init: RouteRequest, signal: AbortSignal | undefined): Promise<Response> {
    if (this.#target) {
      const response = await this.#send(this.#target, init, signal);
      if (!EXPIRED.has(response.status)) return response;
      await response.body?.cancel();
      this.#target = undefined;
    }
    return this.#follow(init, signal);
  }

  async #follow(init: RouteRequest, signal: AbortSignal | undefined): Promise<Response> {
    let at = this.url;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const response = await this.#send(at, init, signal);
      if (hops === 0) this.#linkedSha256 = linkedSha256(response) ?? this.#linkedSha256;
      const next = redirectTarget(response, at);
      if (!next) {
        const end = response.redirected && response.url ? new URL(response.url) : at;
        if (end.href !== this.url.href && response.status < 400) this.#target = end;
        return response;
      }
      await response.body?.cancel();
      at = next;
    }
    throw transientError(String(this.url), `the server redirects more than ${MOST_REDIRECTS} times`);
  }

  async #send(
    url: URL,
    { headers, ...init }: RouteRequest,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const load = this.#options.fetch ?? fetch;
    const own = url.origin === this.url.origin ? this.#options.headers : undefined;
    // A page never sees a redirect; there fetch itself follows it and drops the Authorization header between origins.
    const redirect = canOpenFiles() ? "manual" : "follow";
    const cache = this.#options.httpCache === false ? { cache: "no-store" as const } : {};
    const all = { ...own, ...headers };
    const answer = load(url, { ...init, ...cache, headers: all, redirect, ...(signal && { signal }) }).catch(
      (cause: unknown) => {
        throw signal?.aborted
          ? abortedError(signal, `Reading ${this.url}`)
          : unreachableError(this.url, cause);
      },
    );
    try {
      return await unlessStalled(answer, this.url, this.#options.stallMs);
    } catch (error) {
      // Should it come after all, nobody wants it.
      void answer.then((late) => late.body?.cancel()).catch(() => undefined);
      throw error;
    }
  }
}

function redirectTarget(response: Response, base: URL): URL | undefined {
  const location = response.headers.get("location");
  if (location === null || ![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  try {
    const target = new URL(location, base);
    return /^https?:$/.test(target.protocol) ? target : undefined;
  } catch {
    return undefined; // no address: the answer stands as it is, with a status that nobody takes for a file
  }
}

function linkedSha256(response: Response): string | undefined {
  const tag = response.headers.get("x-linked-etag") ?? "";
  return /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(tag)?.[1];
}
