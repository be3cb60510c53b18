/**
 * Remembers where a model came from, so that it can be opened again later. Bytes and Blobs are held weakly, since a model
 * that is loaded needs no second copy of its weights in memory; a File, which stands for a file on disk, is held.
 */
import { MilletError } from "../errors.js";
import { isBlob, isUrl } from "../platform/kinds.js";
import { isByteSource, isList, isModelFiles, openSource } from "./open.js";
import type { ByteSource, FileLocation, ModelSource, SourceOptions } from "./source.js";

/** A source to be opened again. */
export interface SourceRecipe {
  /** Why opening would fail, as far as that is known without trying. */
  problem(): MilletError | undefined;
  /** Opens the source once more. @throws MilletError what `problem` gives, and as openSource does */
  open(options: SourceOptions): Promise<ByteSource>;
}

/** Gives what it remembers; undefined once that is gone. */
type Recall<T> = () => T | undefined;

export function rememberSource(source: ModelSource): SourceRecipe {
  // No closure of this function may use `source`: it would keep the bytes.
  const recall = isByteSource(source) ? undefined : recallSource(source);
  const problem = () => {
    if (!recall) return oneShotError();
    return recall() === undefined ? goneError() : undefined;
  };
  return {
    problem,
    async open(options) {
      const again = recall?.();
      if (again === undefined) throw problem() ?? goneError();
      return openSource(again, options);
    },
  };
}

function recallSource(source: Exclude<ModelSource, ByteSource>): Recall<ModelSource> {
  if (isList(source)) return recallAll(source.map(recallBlob));
  if (!isModelFiles(source)) return recallLocation(source);
  const names = source.files.map(({ name }) => name);
  const locations = recallAll(source.files.map(({ location }) => recallLocation(location)));
  return () => {
    const files = locations()?.map((location, i) => ({ name: names[i]!, location }));
    return files && { files };
  };
}

function recallAll<T>(recalls: readonly Recall<T>[]): Recall<readonly T[]> {
  return () => {
    const all: T[] = [];
    for (const recall of recalls) {
      const one = recall();
      if (one === undefined) return undefined;
      all.push(one);
    }
    return all;
  };
}

function recallLocation(location: FileLocation): Recall<FileLocation> {
  if (typeof location === "string" || isUrl(location)) return held(location);
  if (isBlob(location)) return recallBlob(location);
  // Of an array the buffer: it is what stays alive, also where the caller made the array for this call alone.
  return location instanceof Uint8Array ? recallBytes(location) : weakly(location);
}

function recallBlob(blob: Blob): Recall<Blob> {
  return typeof File !== "undefined" && blob instanceof File ? held(blob) : weakly(blob);
}

function held<T>(value: T): Recall<T> {
  return () => value;
}

function weakly<T extends object>(value: T): Recall<T> {
  const reference = new WeakRef(value);
  return () => reference.deref();
}

function recallBytes({ buffer, byteOffset, byteLength }: Uint8Array): Recall<Uint8Array> {
  return sliceOf(weakly(buffer), byteOffset, byteLength);
}

/** Nothing once the buffer was transferred elsewhere. */
function sliceOf(buffer: Recall<ArrayBufferLike>, offset: number, length: number): Recall<Uint8Array> {
  return () => {
    const bytes = buffer();
    return bytes && bytes.byteLength >= offset + length ? new Uint8Array(bytes, offset, length) : undefined;
  };
}

function oneShotError(): MilletError {
  return new MilletError(
    "SOURCE_READ_FAILED",
    "The model came from an open ByteSource, which is closed once the model is loaded and cannot be opened again. " +
      "Load it from a path, a URL, a File or bytes instead.",
  );
}

function goneError(): MilletError {
  return new MilletError(
    "SOURCE_NOT_FOUND",
    "The bytes that the model was loaded from are gone: Millet does not keep them. Keep them yourself, or load the " +
      "model from a path, a URL or a File.",
  );
}
