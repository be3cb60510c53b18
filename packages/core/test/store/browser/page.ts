/** What the page of the store's browser test can do; the test calls it by `window.store`. */
import {
  createStore,
  type DownloadProgress,
  openSource,
  type Store,
  type StoredFile,
  type StoreOptions,
} from "../../../src/store/index.js";
import { Sha256 } from "../../../src/store/keep/sha256.js";
import { openPlace } from "../../../src/store/place/open.js";

export interface PullReport {
  readonly files: readonly StoredFile[];
  readonly waited: boolean;
  readonly phases: number;
}

export interface ReadReport {
  readonly sha256: string;
  readonly byteLength: number;
  readonly notes: readonly string[];
}

export interface PageStore {
  place(): Promise<string>;
  pull(address: string, options?: StoreOptions): Promise<PullReport>;
  /** Opens and reads all, or says with which code and why not. */
  read(address: string, options?: StoreOptions): Promise<ReadReport | { code: string; message: string }>;
  list(): Promise<readonly StoredFile[]>;
  verify(repair: boolean): Promise<readonly { damagedChunks: number; isRepaired: boolean }[]>;
  /** Changes a byte of chunk `index` in the private file system. */
  damage(index: number): Promise<void>;
  evict(): Promise<number>;
  /** Opens the file and keeps it open. */
  hold(address: string): Promise<void>;
  /** Replaces a record `count` times, removes it now and then, and at last writes "end" to it. */
  rewrite(count: number): Promise<void>;
  /** Reads that record, and lists all, until another tab has written "end" to it; tells which texts it saw. */
  reread(): Promise<readonly (string | undefined)[]>;
}

declare global {
  interface Window {
    store: PageStore;
  }
}

const CHUNK = 64 * 1024;
const make = (options: StoreOptions = {}): Store => createStore({ chunkBytes: CHUNK, ...options });

window.store = {
  async place() {
    return (await make().place()).kind;
  },
  async pull(address, options) {
    const seen: DownloadProgress[] = [];
    const files = await make(options).pull(address, { onProgress: (progress) => seen.push(progress) });
    return { files, waited: seen.some(({ isWaiting }) => isWaiting), phases: seen.length };
  },
  async read(address, options) {
    const notes: string[] = [];
    try {
      const source = await openSource(address, {
        store: make(options),
        retryDelayMs: 1,
        onNote: (note) => notes.push(note),
      });
      const { byteLength } = source;
      const bytes = await source.read(0, byteLength);
      await source.close();
      return { sha256: new Sha256().update(bytes).digest(), byteLength, notes };
    } catch (error) {
      return { code: (error as { code: string }).code, message: String(error) };
    }
  },
  list: () => make().list(),
  verify: (repair) => make().verify(undefined, { repair }),
  async damage(index) {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle("millet-store-1");
    for await (const [name, folder] of root.entries()) {
      if (!name.startsWith("data+") || !(folder instanceof FileSystemDirectoryHandle)) continue;
      for await (const [chunk, file] of folder.entries()) {
        if (!chunk.startsWith(`${index}-`) || !(file instanceof FileSystemFileHandle)) continue;
        const stream = await file.createWritable({ keepExistingData: true });
        await stream.write({ type: "write", position: 100, data: new Uint8Array([1, 2, 3]) });
        await stream.close();
      }
    }
  },
  evict: async () => (await make().evict(1)).length,
  async hold(address) {
    await openSource(address, { store: make() });
  },
  async rewrite(count) {
    const place = await openPlace({});
    for (let i = 0; i < count; i++) {
      await place.writeRecord("uses", "rewritten", "x".repeat(1 + (i % 3)));
      if (i % 7 === 6) await place.removeRecord("uses", "rewritten");
    }
    await place.writeRecord("uses", "rewritten", "end");
  },
  async reread() {
    const place = await openPlace({});
    const seen = new Set<string | undefined>();
    while (!seen.has("end")) {
      seen.add(await place.readRecord("uses", "rewritten"));
      await place.listRecords("uses");
    }
    return [...seen];
  },
};
