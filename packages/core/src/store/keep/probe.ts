/** The first request of a download: how large the file is, which version, and what the server can do. */

import { headLength } from "../http.js";
import { request, withRetries } from "../http-request.js";
import {
  contentLength,
  contentRange,
  type FileVersion,
  fileVersion,
  rangeUnsupportedError,
  sameVersion,
  statusError,
} from "../http-response.js";
import { Route } from "../route.js";
import type { RemoteFile, SourceOptions } from "../source.js";

/** Two bytes: servers that take an end of 0 for none (sirv, and so Vite's) would send the whole file for one. */
const PROBE_RANGE = "bytes=0-1";

/** A file as the server has it now. */
export interface Remote {
  readonly route: Route;
  readonly version: FileVersion;
  readonly hasRanges: boolean;
  /** Two answers of one version have the same bytes, as far as the server tells. */
  readonly isPinned: boolean;
  /** Of the content, where it was told. */
  readonly sha256: string | undefined;
}

/** @throws MilletError SOURCE_NOT_FOUND, SOURCE_READ_FAILED, SOURCE_RANGE_UNSUPPORTED, ABORTED */
export async function probe(file: RemoteFile, options: SourceOptions): Promise<Remote> {
  const { signal } = options;
  const route = new Route(file.url, { ...options, headers: file.headers ?? options.headers });
  return withRetries(options, signal, async () => {
    const response = await request(route, PROBE_RANGE, signal);
    const hasRanges = response.status !== 200;
    const isEncoded = (response.headers.get("content-encoding") ?? "identity") !== "identity";
    const told = hasRanges ? contentRange(response)?.total : isEncoded ? undefined : contentLength(response);
    await response.body?.cancel();
    if (!hasRanges && told === undefined)
      throw rangeUnsupportedError(String(file.url), "the server neither answers ranges nor tells the size");
    const byteLength = told ?? (await headLength(route, signal));
    const version = fileVersion(response, byteLength);
    const sha256 = file.sha256 ?? route.linkedSha256;
    const isPinned =
      sha256 !== undefined ||
      file.tag !== undefined ||
      version.etag !== null ||
      version.lastModified !== null;
    return { route, version, hasRanges, isPinned, sha256 };
  });
}

/** Asks once whether the server still has `version`. @throws MilletError as `probe` */
export async function isUnchanged(
  file: RemoteFile,
  version: FileVersion,
  options: SourceOptions,
): Promise<boolean> {
  const { signal } = options;
  const route = new Route(file.url, { ...options, headers: file.headers ?? options.headers });
  // Across origins a page may send this header only where the server allows it by name.
  const mayCondition = typeof location === "undefined" || location.origin === file.url.origin;
  const condition = version.etag !== null && mayCondition ? { "if-none-match": version.etag } : {};
  const response = await route.request({ headers: { range: PROBE_RANGE, ...condition } }, signal);
  await response.body?.cancel();
  if (response.status === 304) return true;
  if (response.status !== 200 && response.status !== 206 && response.status !== 416)
    throw statusError(String(file.url), response);
  const total = response.status === 200 ? contentLength(response) : contentRange(response)?.total;
  const now = fileVersion(response, total ?? version.byteLength);
  // Nothing but the size may be the same of another content.
  const isTold =
    [now.etag, version.etag].every(isText) || [now.lastModified, version.lastModified].every(isText);
  return isTold && sameVersion(now, version);
}

const isText = (value: string | null): boolean => value !== null;
