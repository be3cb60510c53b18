/** One HTTP request, its body, and trying again: the pieces of which http.ts is made. */
import { abortedError } from "../errors.js";
import { isTransient, retryAfterMs, statusError, transientError } from "./http-response.js";
import type { Route } from "./route.js";
import type { SourceOptions } from "./source.js";
import { unlessStalled } from "./stall.js";

/** How often a request that fails is made again, unless options say otherwise. */
export const RETRIES = 2;
/** A server that asks for more patience (Retry-After) is not waited for: the failure says how long it takes. */
const LONGEST_WAIT_MS = 60_000;

/** One range request. Resolves for 200, 206 and 416; anything else is thrown. */
export async function request(route: Route, range: string, signal?: AbortSignal): Promise<Response> {
  // With a range, fetch asks for uncompressed bytes by itself.
  const response = await route.request({ headers: { range } }, signal);
  if (response.status === 200 || response.status === 206 || response.status === 416) return response;
  await response.body?.cancel();
  throw statusError(String(route.url), response);
}

/**
 * The pieces of a body as they come, up to `byteLength` bytes together; what follows is dropped. Leaving the loop
 * early ends the download.
 * @throws MilletError transient SOURCE_READ_FAILED if the connection breaks, ABORTED
 */
export async function* bodyPieces(
  url: URL,
  response: Response,
  byteLength: number,
  signal?: AbortSignal,
  stallMs?: number,
): AsyncGenerator<Uint8Array, void> {
  const reader = response.body?.getReader();
  let left = byteLength;
  try {
    while (reader && left > 0) {
      const read = reader.read().catch((cause: unknown) => {
        throw signal?.aborted
          ? abortedError(signal, `Reading ${url}`)
          : transientError(String(url), "the connection broke", { cause });
      });
      const { value } = await unlessStalled(read, url, stallMs);
      if (!value) break;
      const piece = value.subarray(0, left);
      left -= piece.byteLength;
      if (piece.byteLength > 0) yield piece;
    }
  } finally {
    // Cancelling may fail on a connection that is already gone; the bytes are here, so that does not matter.
    await reader?.cancel().catch(() => undefined);
  }
}

/**
 * Copies a body into `target` and drops what does not fit.
 * @returns how many bytes came
 * @throws MilletError transient SOURCE_READ_FAILED if the connection breaks, ABORTED
 */
export async function copyBody(
  url: URL,
  response: Response,
  target: Uint8Array,
  signal?: AbortSignal,
): Promise<number> {
  let done = 0;
  for await (const piece of bodyPieces(url, response, target.byteLength, signal)) {
    target.set(piece, done);
    done += piece.byteLength;
  }
  return done;
}

/** Runs `run` again, after a growing pause or the one that the server asks for, while it fails for transient reasons and retries are left. */
export async function withRetries<T>(
  options: SourceOptions,
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
) {
  let left = options.retries ?? RETRIES;
  let delayMs = options.retryDelayMs ?? 250;
  for (;;) {
    let askedMs = 0;
    try {
      return await run();
    } catch (error) {
      askedMs = retryAfterMs(error);
      if (left-- <= 0 || !isTransient(error) || askedMs > LONGEST_WAIT_MS) throw error;
    }
    await delay(Math.max(delayMs, askedMs), signal);
    delayMs *= 2;
  }
}

function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(abortedError(signal, "Waiting to retry"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
