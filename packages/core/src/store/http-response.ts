/** Reads what a server says about a file: which range came, which version of the file, and what a bad status means. */
import { MilletError } from "../errors.js";
import { notFoundError } from "./source.js";

/** What tells one version of a file from another. Headers that the server does not expose are null. */
export interface FileVersion {
  readonly byteLength: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface ContentRange {
  readonly start: number;
  /** Size of the whole file, if the server knows it. */
  readonly total: number | undefined;
}

/** Parses "bytes 0-99/1234" or "bytes *\/1234" (RFC 9110, 14.4); undefined if absent or malformed. */
export function contentRange(response: Response): ContentRange | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (!match) return undefined;
  return { start: Number(match[1] ?? 0), total: match[2] === "*" ? undefined : Number(match[2]) };
}

export function contentLength(response: Response): number | undefined {
  const value = response.headers.get("content-length");
  return value !== null && /^\d+$/.test(value) ? Number(value) : undefined;
}

export function fileVersion(response: Response, byteLength: number): FileVersion {
  return {
    byteLength,
    etag: response.headers.get("etag"),
    lastModified: response.headers.get("last-modified"),
  };
}

/** False if a header that both versions carry differs. A header that one lacks says nothing. */
export function sameVersion(a: FileVersion, b: FileVersion): boolean {
  const same = (x: string | null, y: string | null) => x === null || y === null || x === y;
  return a.byteLength === b.byteLength && same(a.etag, b.etag) && same(a.lastModified, b.lastModified);
}

/** A failure that may go away by itself carries `details.transient`. */
export function isTransient(error: unknown): boolean {
  return error instanceof MilletError && error.details.transient === true;
}

export function transientError(
  url: string,
  what: string,
  { cause, retryAfterMs }: { readonly cause?: unknown; readonly retryAfterMs?: number | undefined } = {},
): MilletError {
  return new MilletError("SOURCE_READ_FAILED", `${url}: ${what}. Check the connection and try again.`, {
    cause,
    details: { url, transient: true, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  });
}

/** The error for no answer at all. Browsers do not tell a page whether a server of another origin refused it. */
export function unreachableError(url: URL, cause: unknown): MilletError {
  const page = typeof location === "undefined" ? url.origin : location.origin;
  const refused = `, or the server does not let pages of ${page} read it (by the header Access-Control-Allow-Origin)`;
  return transientError(String(url), `the connection failed${page === url.origin ? "" : refused}`, { cause });
}

/** How long the server wanted to be left alone when it failed so; 0 if it said nothing. */
export function retryAfterMs(error: unknown): number {
  const asked = error instanceof MilletError ? error.details.retryAfterMs : undefined;
  return typeof asked === "number" ? asked : 0;
}

/** Retry-After (RFC 9110, 10.2.3): seconds, or a date. Across origins a page sees it only if the server exposes it. */
function askedWaitMs({ headers }: Pick<Response, "headers">): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined) return undefined;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

/** The error for a status that is neither 200, 206 nor 416. */
export function statusError(url: string, response: Pick<Response, "status" | "headers">): MilletError {
  const { status } = response;
  if (status === 404 || status === 410) return notFoundError(url, ` on the server (status ${status})`);
  if (status >= 500 || status === 408 || status === 429) {
    const waitMs = askedWaitMs(response);
    const wish =
      waitMs === undefined ? "" : ` and asks to be left alone for ${Math.ceil(waitMs / 1000)} seconds`;
    return transientError(url, `the server answered with status ${status}${wish}`, { retryAfterMs: waitMs });
  }
  const denied = status === 401 || status === 403;
  const what = denied ? "the server denies access; pass the headers it wants" : "this is not a readable file";
  return new MilletError("SOURCE_READ_FAILED", `${url}: status ${status}: ${what}.`, {
    details: { url, status },
  });
}

export function changedError(url: string): MilletError {
  return new MilletError(
    "SOURCE_CHANGED",
    `${url} changed on the server while it was being read. Load it again from the start.`,
    { details: { url } },
  );
}

export function rangeUnsupportedError(url: string, why: string): MilletError {
  return new MilletError(
    "SOURCE_RANGE_UNSUPPORTED",
    `${url}: ${why}. Serve it from a server that supports Range requests (and, across origins, exposes ` +
      "Content-Range), or download it and pass the file.",
    { details: { url } },
  );
}
