/**
 * The kinds of place a model may come from, and what all byte sources check in the same way.
 * What the bytes mean is the business of formats/.
 */
import { MilletError, throwIfAborted } from "../errors.js";
import type { ByteSource } from "../tensor/byte-source.js";

export type { ByteSource } from "../tensor/byte-source.js";

/**
 * One file: a path or file: URL (Node), an http(s), blob: or data: URL, a Blob or File, or bytes in memory.
 * A string that is no URL is a path in Node and relative to the page in a browser.
 */
export type FileLocation = string | URL | Blob | ArrayBuffer | SharedArrayBuffer | Uint8Array;

/** Files that belong together (the shards of a model) under the names by which they refer to each other. */
export interface ModelFiles {
  /** The first entry is opened; the others are its siblings. */
  readonly files: readonly { readonly name: string; readonly location: FileLocation }[];
}

/** Where a model comes from. An array of Blobs or Files holds the shards of one model, the first shard first. */
export type ModelSource = FileLocation | readonly Blob[] | ModelFiles | ByteSource;

export interface SourceOptions {
  /** Stops opening. Reads take their own signal. */
  readonly signal?: AbortSignal | undefined;
  /** Used instead of the global fetch. */
  readonly fetch?: typeof fetch | undefined;
  /** Sent with every request, for instance an Authorization header. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How often a request is tried again after a lost connection or a 5xx, without progress in between. Default 2. */
  readonly retries?: number | undefined;
  /** The pause before the first retry; it doubles with each. Default 250. */
  readonly retryDelayMs?: number | undefined;
  /** A file up to this size is read whole from a server that ignores ranges. Default 32 MiB. */
  readonly wholeFileLimitBytes?: number | undefined;
}

/**
 * Refuses a read that is aborted or does not lie within the file.
 * @throws MilletError ABORTED, INVALID_ARGUMENT, SOURCE_TRUNCATED
 */
export function checkRead(
  file: { readonly name: string; readonly byteLength: number },
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): void {
  throwIfAborted(signal, `Reading ${file.name}`);
  if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(length) || length < 0) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `${file.name}: cannot read ${length} bytes at offset ${offset}; both must be whole numbers of at least 0.`,
    );
  }
  if (offset + length > file.byteLength) {
    throw new MilletError(
      "SOURCE_TRUNCATED",
      `${file.name} has ${file.byteLength} bytes, but bytes ${offset} to ${offset + length} were asked for. ` +
        "If it was downloaded, the download is incomplete: fetch it again.",
      { details: { name: file.name, byteLength: file.byteLength, offset, length } },
    );
  }
}

/**
 * A buffer for `length` bytes of a file.
 * @throws MilletError OUT_OF_MEMORY if there is no room for it
 */
export function allocate(name: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new MilletError(
      "OUT_OF_MEMORY",
      `${name}: there is no memory for ${length} bytes. Close other programs, or read smaller pieces.`,
      { cause, details: { name, length } },
    );
  }
}

/** @throws MilletError INVALID_ARGUMENT unless `fileName` names a file of the same folder */
export function checkFileName(fileName: string): void {
  if (/^(?!\.{1,2}$)[^/\\\0]+$/.test(fileName)) return;
  throw new MilletError("INVALID_ARGUMENT", `"${fileName}" is not a plain file name without directories.`);
}

export function disposedError(name: string): MilletError {
  return new MilletError("DISPOSED", `${name} was closed and cannot be read any more. Open it again.`);
}

export function notFoundError(name: string, where: string, cause?: unknown): MilletError {
  return new MilletError(
    "SOURCE_NOT_FOUND",
    `${name} does not exist${where}. Check the name and the place.`,
    {
      cause,
      details: { name },
    },
  );
}
