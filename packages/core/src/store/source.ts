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
  /** The first entry is opened, or config.json of a list with safetensors files; the others are its siblings. */
  readonly files: readonly {
    readonly name: string;
    readonly location: FileLocation;
    /** Known sizes and checksums let downloads be checked, and stored files be found without asking a server. */
    readonly byteLength?: number | undefined;
    readonly sha256?: string | undefined;
  }[];
}

/**
 * Where a model comes from. An array of Blobs or Files holds the shards of one model, the first shard first, or the files
 * of a Hugging Face folder. A path may be a folder's, and so may a URL that ends in "/".
 */
export type ModelSource = FileLocation | readonly Blob[] | ModelFiles | ByteSource;

export interface SourceOptions {
  /** Stops opening. Reads take their own signal. */
  readonly signal?: AbortSignal | undefined;
  /** Keeps what comes from servers on this device. Without one, it is read from the server each time. */
  readonly store?: RemoteStore | undefined;
  /** In place of the store's own. */
  readonly hub?: HubOptions | undefined;
  /** In place of the store's own; "none" without a store opens nothing of a server. */
  readonly network?: NetworkUse | undefined;
  /** Hears how far downloads into the store are. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /** Told what did not make the call fail, such as a store that cannot be used. */
  readonly onNote?: ((text: string) => void) | undefined;
  /** Used instead of the global fetch. */
  readonly fetch?: typeof fetch | undefined;
  /** Sent with every request, for instance an Authorization header. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How often a request is tried again after a lost connection or a 5xx, without progress in between. Default 2. */
  readonly retries?: number | undefined;
  /** The pause before the first retry; it doubles with each. Default 250. */
  readonly retryDelayMs?: number | undefined;
  /** A connection on which nothing comes for so long counts as lost. Default 30,000. */
  readonly stallMs?: number | undefined;
  /** false: keeps the answers out of the browser's own cache, for callers that keep them themselves. */
  readonly httpCache?: boolean | undefined;
  /** A file up to this size is read whole from a server that ignores ranges. Default 32 MiB. */
  readonly wholeFileLimitBytes?: number | undefined;
}

export interface DownloadProgress {
  /** The file that moves. */
  readonly file: string;
  /** Of all files, what is stored already included. */
  readonly loadedBytes: number;
  /** Of all files whose size is known by now. */
  readonly totalBytes: number;
  /** Over the last seconds; undefined at the beginning. */
  readonly bytesPerSecond: number | undefined;
  readonly remainingMs: number | undefined;
  /** Another process or tab downloads the file, and this one waits for it. */
  readonly isWaiting: boolean;
}

/** "auto": asks the server whether a stored file is current. "missing": only for what is not stored. "none": never. */
export type NetworkUse = "auto" | "missing" | "none";

export interface HubOptions {
  /** Default: the environment's HF_ENDPOINT, else https://huggingface.co. */
  readonly endpoint?: string | undefined;
  /** For private and gated models; goes to the endpoint only. Default: the environment's HF_TOKEN. */
  readonly token?: string | undefined;
}

/** One file on a server. */
export interface RemoteFile {
  /** For people, and the store's name of it: an hf: reference, or the URL without its query, which may hold secrets. */
  readonly address: string;
  /** What tells it from any other: the whole URL, or the hf: reference. */
  readonly identity: string;
  /** What to pull to get it again; absent where that may hold secrets. */
  readonly source?: string | undefined;
  readonly name: string;
  readonly url: URL;
  /** In place of the options' own. */
  readonly headers?: SourceOptions["headers"];
  /** Of the content, where somebody who knows told it. */
  readonly sha256?: string | undefined;
  readonly byteLength?: number | undefined;
  /** Changes whenever the content does: who knows it need not ask the server. */
  readonly tag?: string | undefined;
}

/** Files that make up a model. */
export interface RemoteModel {
  /** The first is opened; all are needed. */
  readonly files: readonly RemoteFile[];
  /** A file beside the first, whether or not it is in the list. @throws MilletError SOURCE_NOT_FOUND, INVALID_ARGUMENT */
  sibling(name: string): RemoteFile;
}

/** What openSource needs of a store. */
export interface RemoteStore {
  readonly onFailure: "fail" | "stream";
  readonly network: NetworkUse;
  readonly hub: HubOptions;
  /** Opens the first of a model's files; all are downloaded then. Throws as {@link openSource}, and STORE_*. */
  open(model: RemoteModel, options: SourceOptions): Promise<ByteSource>;
  /** Small texts that are kept beside the files: what a hub answered. */
  readonly notes: StoreNotes;
}

export interface StoreNotes {
  read(id: string): Promise<string | undefined>;
  write(id: string, text: string): Promise<void>;
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

/** @throws MilletError INVALID_ARGUMENT unless `fileName` names a file of the same folder, or of a folder in it */
export function checkFileName(fileName: string): void {
  const parts = fileName.split("/");
  if (parts.length <= 2 && parts.every((part) => /^(?!\.{1,2}$)[^\\\0]+$/.test(part))) return;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `"${fileName}" is not a plain file name within the model's folder.`,
  );
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

export function notStoredError(address: string): MilletError {
  return new MilletError(
    "SOURCE_NOT_STORED",
    `${address} is not in the store, and the network may not be used (network: "none"). Download it first: ` +
      `millet pull ${address}`,
    { details: { address } },
  );
}
