/** Pieces as files of the origin private file system. */
import { MilletError } from "../../errors.js";
import type { Pieces } from "./piece-store.js";

/** The version of everything that is kept: another layout goes into another folder. */
const ROOT = "millet-store-1";

export class OpfsPieces implements Pieces {
  readonly #root: FileSystemDirectoryHandle;

  private constructor(root: FileSystemDirectoryHandle) {
    this.#root = root;
  }

  /** @throws MilletError STORE_FAILED where files cannot be written from here */
  static async open(storage: StorageManager): Promise<OpfsPieces> {
    const root = await (await storage.getDirectory()).getDirectoryHandle(ROOT, { create: true });
    // Safari writes from workers only, until version 26.
    const isWritable = typeof FileSystemFileHandle.prototype.createWritable === "function";
    if (isWritable) return new OpfsPieces(root);
    throw new MilletError("STORE_FAILED", "pages cannot write to the origin private file system here");
  }

  async read(folder: string, name: string): Promise<Blob | undefined> {
    const directory = await this.#find(folder);
    return written(await unlessMissing(directory?.getFileHandle(encode(name))));
  }

  async write(folder: string, name: string, content: Uint8Array<ArrayBuffer> | string): Promise<void> {
    const directory = await this.#make(folder);
    const file = await directory.getFileHandle(encode(name), { create: true });
    // The stream writes beside the file; close() puts that in its place.
    const stream = await file.createWritable();
    try {
      await stream.write(content);
      await stream.close();
    } catch (error) {
      await stream.abort().catch(() => undefined); // the failure itself counts
      throw error;
    }
  }

  async remove(folder: string, name: string): Promise<void> {
    const directory = await this.#find(folder);
    await unlessMissing(directory?.removeEntry(encode(name)));
  }

  async removeFolder(folder: string): Promise<void> {
    await unlessMissing(this.#root.removeEntry(encode(folder), { recursive: true }));
  }

  async list(folder: string): Promise<string[]> {
    const directory = await this.#find(folder);
    const names: string[] = [];
    if (!directory) return names;
    for await (const [name, entry] of directory.entries()) {
      if (entry instanceof FileSystemFileHandle && (await written(entry))) names.push(decode(name));
    }
    return names;
  }

  async listFolders(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const name of this.#root.keys()) {
      const folder = decode(name);
      if (folder.startsWith(prefix)) names.push(folder.slice(prefix.length));
    }
    return names;
  }

  #make(folder: string): Promise<FileSystemDirectoryHandle> {
    return this.#root.getDirectoryHandle(encode(folder), { create: true });
  }

  #find(folder: string): Promise<FileSystemDirectoryHandle | undefined> {
    return unlessMissing(this.#root.getDirectoryHandle(encode(folder)));
  }
}

/** Names of ours have no other character that file names may not have. */
const encode = (name: string): string => name.replaceAll("/", "+");
const decode = (name: string): string => name.replaceAll("+", "/");

/** The file, unless it is empty: a tab has just made it, or was closed before it wrote. */
async function written(handle: FileSystemFileHandle | undefined): Promise<File | undefined> {
  const file = await unlessMissing(handle?.getFile());
  return file && file.size > 0 ? file : undefined;
}

async function unlessMissing<T>(promise: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return undefined;
    throw error;
  }
}
