/** The store's place in Node: a folder with records as small files, data as one file each, and locks between processes. */
import { placeError } from "./errors.js";
import { FolderData } from "./folder-data.js";
import { LockFiles } from "./lock-files.js";
import { type FolderHost, hasCode } from "./node.js";
import {
  type ChunkLayout,
  type LockOptions,
  RECORD_KINDS,
  type RecordKind,
  type Release,
  type StorePlace,
} from "./place.js";

/** The version of everything that is kept: another layout goes into another folder. */
const FOLDER = "store-1";
/** What a crash may leave behind while a record is written. Younger ones may belong to a running process. */
const OLD_TEMPORARY_MS = 3_600_000;

export interface FolderOptions {
  /** See LockFiles. */
  readonly staleLockMs?: number | undefined;
}

/** @param cacheFolder made if need be @throws MilletError STORE_FAILED, STORE_FULL */
export async function openFolder(
  cacheFolder: string,
  host: FolderHost,
  options: FolderOptions = {},
): Promise<StorePlace> {
  const folder = host.path.join(host.path.resolve(cacheFolder), FOLDER);
  try {
    for (const name of [...RECORD_KINDS, "data", "locks"])
      await host.fs.mkdir(host.path.join(folder, name), { recursive: true, mode: 0o700 });
    const place = new Folder(folder, host, options);
    await place.sweepTemporaries();
    return place;
  } catch (error) {
    throw placeError(folder, "opening it", error);
  }
}

class Folder implements StorePlace {
  readonly kind = "folder";
  readonly location: string;
  readonly #host: FolderHost;
  readonly #locks: LockFiles;

  constructor(folder: string, host: FolderHost, { staleLockMs }: FolderOptions) {
    this.location = folder;
    this.#host = host;
    this.#locks = new LockFiles(host.path.join(folder, "locks"), host, staleLockMs);
  }

  async readRecord(kind: RecordKind, id: string): Promise<string | undefined> {
    try {
      return await this.#host.fs.readFile(this.#path(kind, id), "utf8");
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw placeError(this.location, "reading a record", error);
    }
  }

  async writeRecord(kind: RecordKind, id: string, text: string): Promise<void> {
    const { fs } = this.#host;
    const path = this.#path(kind, id);
    const temporary = `${path}.${crypto.randomUUID()}.tmp`;
    try {
      const file = await fs.open(temporary, "wx", 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await fs.rename(temporary, path);
    } catch (error) {
      await this.#unlink(temporary).catch(() => undefined); // the first failure counts; a later sweep tries again
      throw placeError(this.location, "writing a record", error);
    }
  }

  removeRecord(kind: RecordKind, id: string): Promise<void> {
    return this.#unlink(this.#path(kind, id));
  }

  async listRecords(kind: RecordKind): Promise<string[]> {
    const files = await this.#readdir(kind);
    return files.filter((name) => !name.includes("."));
  }

  openData(key: string, layout: ChunkLayout, use: "read" | "write") {
    return FolderData.open(this.#path("data", key), layout, use, this.#host);
  }

  async removeData(key: string): Promise<void> {
    // The journal first: without its data it would promise what is not there.
    await this.#unlink(`${this.#path("data", key)}.journal`);
    await this.#unlink(this.#path("data", key));
  }

  async listData(): Promise<string[]> {
    const files = await this.#readdir("data");
    return [...new Set(files.map((name) => name.replace(/\.journal$/, "")))];
  }

  async availableBytes(): Promise<number | undefined> {
    try {
      const { bavail, bsize } = await this.#host.fs.statfs(this.location);
      return bavail * bsize;
    } catch {
      return undefined; // some network file systems do not tell
    }
  }

  /** Systems clear cache folders only where their users ask for it. */
  async persist(): Promise<boolean> {
    return true;
  }

  lock(name: string, options: LockOptions & { readonly wait: true }): Promise<Release>;
  lock(name: string, options: LockOptions): Promise<Release | undefined>;
  lock(name: string, options: LockOptions): Promise<Release | undefined> {
    return this.#locks.acquire(name, options);
  }

  async sweepTemporaries(): Promise<void> {
    const { fs, path } = this.#host;
    for (const kind of RECORD_KINDS) {
      for (const name of await this.#readdir(kind)) {
        if (!name.endsWith(".tmp")) continue;
        const file = path.join(this.location, kind, name);
        const mtimeMs = await fs.stat(file).then(
          (stat) => stat.mtimeMs,
          () => Date.now(), // another process was faster
        );
        if (Date.now() - mtimeMs > OLD_TEMPORARY_MS) await this.#unlink(file);
      }
    }
  }

  #path(kind: RecordKind | "data", name: string): string {
    return this.#host.path.join(this.location, kind, name);
  }

  async #readdir(kind: RecordKind | "data"): Promise<string[]> {
    try {
      return await this.#host.fs.readdir(this.#host.path.join(this.location, kind));
    } catch (error) {
      throw placeError(this.location, "listing it", error);
    }
  }

  async #unlink(path: string): Promise<void> {
    await this.#host.fs.unlink(path).catch((error: unknown) => {
      if (!hasCode(error, "ENOENT")) throw placeError(this.location, "removing a file", error);
    });
  }
}
