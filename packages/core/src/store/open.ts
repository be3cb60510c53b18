/** Opens a model source: decides by its kind which ByteSource serves it. */
import { isMilletError, MilletError } from "../errors.js";
import { isBlob, isUrl } from "../platform/kinds.js";
import { BlobSource } from "./blob.js";
import { openFile } from "./file.js";
import { firstFile } from "./folder.js";
import { openHttp } from "./http.js";
import { MemorySource, type OpenSibling } from "./memory.js";
import { findPackage } from "./packages.js";
import { resolveFiles, resolveRemote, toUrl } from "./resolve.js";
import type { RemoteFile, RemoteModel } from "./source.js";
import {
  type ByteSource,
  type FileLocation,
  type ModelFiles,
  type ModelSource,
  notFoundError,
  notStoredError,
  type SourceOptions,
} from "./source.js";

/**
 * Opens the file, or the first of the files, of a model. The caller closes the result.
 * An already open ByteSource is returned as it is.
 * @throws MilletError SOURCE_* if it cannot be opened, INVALID_ARGUMENT if it is no source, ABORTED
 */
export async function openSource(source: ModelSource, options: SourceOptions = {}): Promise<ByteSource> {
  if (isByteSource(source)) return source;
  if (isList(source)) return openFiles({ files: nameBlobs(source) }, options);
  if (isModelFiles(source)) return openFiles(source, options);
  return openLocation(source, options, undefined);
}

export function isByteSource(source: ModelSource): source is ByteSource {
  return typeof source === "object" && source !== null && "readInto" in source;
}

export function isList(source: ModelSource): source is readonly Blob[] {
  return Array.isArray(source);
}

export function isModelFiles(source: ModelSource): source is ModelFiles {
  return typeof source === "object" && source !== null && "files" in source;
}

/**
 * Files go by their names; nameless Blobs by the names that shards have by convention. A page that lets its user choose a
 * folder gets the files of its subfolders as well: those further up come first, and they go by folder and name besides.
 */
function nameBlobs(given: readonly Blob[]): ModelFiles["files"] {
  const blobs = [...given].sort((a, b) => depthOf(a) - depthOf(b));
  const pad = (value: number) => String(value).padStart(5, "0");
  const named = blobs.map((blob, index) => ({
    name: blobName(blob) ?? `model-${pad(index + 1)}-of-${pad(blobs.length)}.gguf`,
    location: blob,
  }));
  const inFolders = blobs.flatMap((blob) =>
    depthOf(blob) < 3 ? [] : [{ name: partsOf(blob).slice(-2).join("/"), location: blob }],
  );
  return [...named, ...inFolders];
}

/** Of the path in a folder that was chosen. */
function partsOf(blob: Blob): readonly string[] {
  const path = "webkitRelativePath" in blob ? blob.webkitRelativePath : "";
  return typeof path === "string" ? path.split("/") : [];
}

function depthOf(blob: Blob): number {
  return partsOf(blob).length;
}

function blobName(blob: Blob): string | undefined {
  return typeof File !== "undefined" && blob instanceof File ? blob.name : undefined;
}

async function openFiles({ files }: ModelFiles, options: SourceOptions): Promise<ByteSource> {
  const open = async (name: string, signal?: AbortSignal): Promise<ByteSource> => {
    const file = files.find((candidate) => candidate.name === name);
    if (!file) throw notFoundError(name, ` among the ${files.length} files given`);
    return openLocation(file.location, { ...options, signal }, { name, sibling: open });
  };
  const first = firstFile(files);
  if (!first)
    throw new MilletError("INVALID_ARGUMENT", "The list of model files is empty. Pass at least one file.");
  const remote = resolveFiles({ files });
  if (remote) return openRemote(remote, options);
  return open(first.name, options.signal);
}

/** What a file of a list goes by, whatever its own address says. */
interface Identity {
  readonly name: string;
  readonly sibling: OpenSibling;
}

/** `source` under another name and with other siblings. */
function withIdentity(source: ByteSource, { name, sibling }: Identity): ByteSource {
  return {
    name,
    sibling,
    byteLength: source.byteLength,
    origin: source.origin,
    read: (...range) => source.read(...range),
    readInto: (...range) => source.readInto(...range),
    close: () => source.close(),
  };
}

async function openLocation(
  location: FileLocation,
  options: SourceOptions,
  known: Identity | undefined,
): Promise<ByteSource> {
  if (typeof location === "string" || isUrl(location)) {
    const opened = await openAddress(location, options);
    return known ? withIdentity(opened, known) : opened;
  }
  const alone: OpenSibling = async (name) => {
    throw notFoundError(name, ": a single piece of data was given, without the files beside it");
  };
  const sibling = known?.sibling ?? alone;
  if (isBlob(location)) {
    return new BlobSource(known?.name ?? blobName(location) ?? "the given Blob", location, sibling);
  }
  return new MemorySource(known?.name ?? "the given bytes", asBytes(location), sibling);
}

function asBytes(location: ArrayBuffer | SharedArrayBuffer | Uint8Array): Uint8Array {
  if (location instanceof Uint8Array) return location;
  const shared = typeof SharedArrayBuffer !== "undefined" && location instanceof SharedArrayBuffer;
  if (shared || location instanceof ArrayBuffer) return new Uint8Array(location);
  throw new MilletError(
    "INVALID_ARGUMENT",
    "A model source is a path, a URL, a Blob or File, bytes, or a list of files; this is none of them.",
  );
}

async function openAddress(address: string | URL, options: SourceOptions): Promise<ByteSource> {
  const installed = typeof address === "string" ? await findPackage(address) : undefined;
  if (installed) return openFiles(installed, options);
  const remote = await resolveRemote(address, options);
  if (remote) return openRemote(remote, options);
  const url = toUrl(address);
  if (!url || url.protocol === "file:") return openFile(url ?? address, options.signal);
  if (url.protocol === "blob:" || url.protocol === "data:") return openInline(url, options);
  throw new MilletError(
    "INVALID_ARGUMENT",
    `${url.protocol} addresses cannot be opened. Use a path, file:, http(s):, hf:, blob: or data:.`,
  );
}

/** Through the store, if there is one and it works or must. */
async function openRemote(model: RemoteModel, options: SourceOptions): Promise<ByteSource> {
  const { store, onNote, network = store?.network } = options;
  if (!store && network === "none") throw notStoredError(model.files[0]!.address);
  if (!store) return stream(model.files[0]!, model, options);
  try {
    return await store.open(model, options);
  } catch (error) {
    const isStores = isMilletError(error) && (error.code === "STORE_FULL" || error.code === "STORE_FAILED");
    if (!isStores || store.onFailure === "fail" || network === "none") throw error;
    onNote?.(`The model is not kept on this device: ${error.message}`);
    return stream(model.files[0]!, model, options);
  }
}

async function stream(file: RemoteFile, model: RemoteModel, options: SourceOptions): Promise<ByteSource> {
  const source = await openHttp(file.url, { ...options, headers: file.headers ?? options.headers });
  const sibling: OpenSibling = async (name, signal) =>
    stream(model.sibling(name), model, { ...options, signal });
  return withIdentity(source, { name: file.name, sibling });
}

/** blob: and data: URLs name bytes that the page holds already. */
async function openInline(url: URL, options: SourceOptions): Promise<ByteSource> {
  const name = `${url.protocol} URL`;
  const load = options.fetch ?? fetch;
  const blob = await load(url, options.signal ? { signal: options.signal } : {})
    .then((response) => response.blob())
    .catch((cause: unknown) => {
      throw new MilletError("SOURCE_READ_FAILED", `The ${name} cannot be read: it may have been revoked.`, {
        cause,
      });
    });
  return openLocation(blob, options, undefined);
}
