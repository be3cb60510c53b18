/**
 * Where the backend keeps files: shards of the model as ONNX, which the runtime opens by path, and what it measured. It is
 * injected, since React Native has no file system of its own; `nodeFiles` is for Node.
 */

import { isMilletError, MilletError } from "@millet/core/errors";

/** A folder of this backend. Names are simple file names; failures of the disk reject. */
export interface RuntimeFiles {
  /** What the runtime is given to open the file: an absolute path or a file: address. */
  path(name: string): string;
  /** Bytes of the file; undefined if there is none. */
  size(name: string): Promise<number | undefined>;
  /** The whole of a small file. */
  readText(name: string): Promise<string>;
  /** Makes the file anew from the pieces, in order. */
  write(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** Fine if there is none. */
  remove(name: string): Promise<void>;
}

/**
 * The same files, whose failures are MilletErrors: Android's are sentences with the C library's words in them.
 * What the pieces fail with is passed on.
 */
export function typedFiles(files: RuntimeFiles): RuntimeFiles {
  const typed = async <T>(what: string, name: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      if (isMilletError(cause)) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const isFull = /ENOSPC|EDQUOT|no space left/i.test(reason);
      const next = isFull ? " Free some space on the device." : "";
      const message = `File ${name} cannot be ${what}: ${reason}.${next}`;
      throw new MilletError(isFull ? "STORE_FULL" : "STORE_FAILED", message, { cause });
    }
  };
  return {
    path: (name) => files.path(name),
    size: (name) => typed("looked at", name, () => files.size(name)),
    readText: (name) => typed("read", name, () => files.readText(name)),
    write: (name, pieces) => typed("written", name, () => files.write(name, pieces)),
    remove: (name) => typed("removed", name, () => files.remove(name)),
  };
}

/** Longer texts are none of ours. */
const MOST_TEXT_BYTES = 2 ** 20;

/** What a JSON file holds; undefined if it is not there, not JSON or cannot be read. */
export async function readJson(files: RuntimeFiles, name: string): Promise<unknown> {
  try {
    const size = await files.size(name);
    if (size === undefined || size > MOST_TEXT_BYTES) return undefined;
    return JSON.parse(await files.readText(name)) as unknown;
  } catch {
    return undefined; // it will be written anew
  }
}

export async function writeJson(files: RuntimeFiles, name: string, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  async function* pieces() {
    yield bytes;
  }
  await files.write(name, pieces());
}
