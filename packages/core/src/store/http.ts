/**
 * A ByteSource over http(s) by range requests: lost connections resume where they stopped, a file that changes
 * between requests is noticed, reads share few large requests (read-ahead.ts says what that keeps in memory). Keeps
 * nothing on disk.
 */
import { throwIfAborted } from "../errors.js";
import type { KnownOrigin } from "../tensor/byte-source.js";
import { fetchRange } from "./http-range.js";
import { copyBody, request, withRetries } from "./http-request.js";
import {
  contentLength,
  contentRange,
  type FileVersion,
  fileVersion,
  rangeUnsupportedError,
  transientError,
} from "./http-response.js";
import { MemorySource } from "./memory.js";
import { ReadAhead } from "./read-ahead.js";
import { fileName, siblingUrl } from "./remote.js";
import { Route } from "./route.js";
import { allocate, type ByteSource, checkRead, disposedError, type SourceOptions } from "./source.js";

/** The first request brings this much: the whole header of a small model, and the file's size with it. */
const FIRST_BYTES = 64 << 10;
const WHOLE_FILE_LIMIT_BYTES = 32 << 20;

/**
 * Opens a file on an http(s) server with one request (two if the server hides the file's size).
 * @throws MilletError SOURCE_NOT_FOUND, SOURCE_READ_FAILED, SOURCE_RANGE_UNSUPPORTED, ABORTED
 */
export async function openHttp(url: URL, options: SourceOptions = {}): Promise<ByteSource> {
  const { signal } = options;
  throwIfAborted(signal, `Opening ${url}`);
  const route = new Route(url, options);
  return withRetries(options, signal, async () => {
    const response = await request(route, `bytes=0-${FIRST_BYTES - 1}`, signal);
    if (response.status === 200) return openWhole(url, response, options);
    const total = contentRange(response)?.total ?? (await headLength(route, signal));
    const first = new Uint8Array(response.status === 416 ? 0 : Math.min(FIRST_BYTES, total));
    const done = await copyBody(url, response, first, signal);
    if (done < first.byteLength) throw transientError(String(url), "the answer was cut short");
    return new HttpSource(route, fileVersion(response, total), first, options);
  });
}

/** The size from a HEAD request, for servers whose Content-Range cannot be seen (CORS always shows Content-Length). */
export async function headLength(route: Route, signal: AbortSignal | undefined): Promise<number> {
  const response = await route.request({ method: "HEAD" }, signal);
  const length = response.ok ? contentLength(response) : undefined;
  if (length === undefined)
    throw rangeUnsupportedError(String(route.url), "the server does not tell the file's size");
  return length;
}

/** Serves a file from memory whose server ignores ranges, if it is small. */
async function openWhole(url: URL, response: Response, options: SourceOptions): Promise<ByteSource> {
  const limit = options.wholeFileLimitBytes ?? WHOLE_FILE_LIMIT_BYTES;
  const encoded = response.headers.get("content-encoding") ?? "identity";
  const length = encoded === "identity" ? contentLength(response) : undefined;
  if ((length ?? 0) > limit) {
    await response.body?.cancel();
    throw rangeUnsupportedError(
      String(url),
      `the server ignores ranges, and ${length} bytes are too many to keep`,
    );
  }
  // Without a length the limit itself is set aside; one byte more tells whether the file goes on.
  const bytes = new Uint8Array(length ?? limit + 1);
  const done = await copyBody(url, response, bytes, options.signal);
  if (done > limit)
    throw rangeUnsupportedError(String(url), `the server ignores ranges and sends over ${limit} bytes`);
  if (done < (length ?? 0)) throw transientError(String(url), "the answer was cut short");
  const whole = length === undefined ? bytes.slice(0, done) : bytes;
  return new MemorySource(fileName(url), whole, (name, signal) =>
    openHttpSibling(url, name, options, signal),
  );
}

async function openHttpSibling(url: URL, name: string, options: SourceOptions, signal?: AbortSignal) {
  return openHttp(siblingUrl(url, name), { ...options, signal });
}

/** Only a strong ETag promises the same bytes (RFC 9110, 8.8.1). */
function originOf({ origin, pathname }: URL, { byteLength, etag }: FileVersion): KnownOrigin {
  if (!etag?.startsWith('"')) return { unknown: `the server tells no strong ETag of ${origin}${pathname}` };
  return { location: `${origin}${pathname}`, version: ["http", byteLength, etag].join(":") };
}

class HttpSource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  readonly origin: KnownOrigin;
  readonly #url: URL;
  readonly #options: SourceOptions;
  readonly #ahead: ReadAhead;
  #closed = false;

  constructor(route: Route, version: FileVersion, first: Uint8Array, options: SourceOptions) {
    const { url } = route;
    this.#url = url;
    this.#options = options;
    this.name = fileName(url);
    this.byteLength = version.byteLength;
    this.origin = originOf(url, version);
    this.#ahead = new ReadAhead(this, first, (...range) => fetchRange({ route, version, options }, ...range));
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    checkRead(this, offset, length, signal);
    const target = allocate(this.name, length);
    await this.readInto(offset, target, signal);
    return target;
  }

  async readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw disposedError(this.name);
    checkRead(this, offset, target.byteLength, signal);
    await this.#ahead.readInto(offset, target, signal);
  }

  sibling(name: string, signal?: AbortSignal): Promise<ByteSource> {
    return openHttpSibling(this.#url, name, this.#options, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ahead.stop(disposedError(this.name));
  }
}
