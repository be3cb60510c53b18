/** A store on files that an app provides, in an engine that lacks what React Native's Hermes lacks. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createStore, openSource, type Store, type StoreFiles } from "../../src/store/index.js";
import { ProcessLocks } from "../../src/store/place/process-locks.js";
import { startServer, type TestServer } from "./server.js";
import { CHUNK, expectBytes, failure, pattern, readAll } from "./store-support.js";

const file = pattern(9 * CHUNK + 77);
let server: TestServer;
let address: string;

beforeEach(async () => {
  server = await startServer({ "model.gguf": file });
  address = `${server.origin}/model.gguf`;
  vi.stubGlobal("crypto", undefined);
  vi.stubGlobal("TextDecoder", undefined);
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await server[Symbol.asyncDispose]();
});

/** Files in memory, with room for so many bytes of data. */
class MemoryFiles implements StoreFiles {
  static #count = 0;
  readonly location = `memory ${++MemoryFiles.#count}`;
  readonly folders = new Map<string, Map<string, Blob>>();
  room = Infinity;

  async read(folder: string, name: string) {
    return this.folders.get(folder)?.get(name);
  }
  async write(folder: string, name: string, content: Uint8Array<ArrayBuffer> | string) {
    const blob = new Blob([content]);
    if (this.bytes() + blob.size > this.room)
      throw new Error("write failed: ENOSPC (No space left on device)");
    const files = this.folders.get(folder) ?? new Map<string, Blob>();
    this.folders.set(folder, files.set(name, blob));
  }
  async remove(folder: string, name: string) {
    this.folders.get(folder)?.delete(name);
  }
  async removeFolder(folder: string) {
    this.folders.delete(folder);
  }
  async list(folder: string) {
    return [...(this.folders.get(folder)?.keys() ?? [])];
  }
  async listFolders(prefix: string) {
    return [...this.folders.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  }
  async availableBytes() {
    return this.room === Infinity ? undefined : this.room - this.bytes();
  }
  bytes(): number {
    const sizes = [...this.folders.values()].flatMap((files) => [...files.values()].map(({ size }) => size));
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}

const storeOf = (files: StoreFiles): Store => createStore({ files, chunkBytes: CHUNK });

describe("files of an app", () => {
  it("keep a download: it comes once, and is read and checked from there", async () => {
    const files = new MemoryFiles();
    expectBytes(await readAll(address, storeOf(files)), file);
    server.misbehave = (_, response) => Boolean(response.writeHead(500).end());
    expectBytes(await readAll(address, storeOf(files), { network: "none" }), file);
    const [report] = await storeOf(files).verify();
    expect(report).toMatchObject({ damagedChunks: 0, file: { byteLength: file.byteLength } });
    const place = await storeOf(files).place();
    expect(place).toMatchObject({ kind: "files", location: files.location, storedBytes: file.byteLength });
    expect(await storeOf(files).persist()).toBe(true);
  });

  it("keep what came before the user stopped it, and the next try goes on from there", async () => {
    const files = new MemoryFiles();
    const stop = new AbortController();
    const progress: number[] = [];
    const pull = storeOf(files).pull(address, {
      signal: stop.signal,
      onProgress: ({ loadedBytes }) => {
        progress.push(loadedBytes);
        if (loadedBytes > 3 * CHUNK) stop.abort();
      },
    });
    expect((await failure(pull)).code).toBe("ABORTED");
    const before = server.sentBytes;
    expectBytes(await readAll(address, storeOf(files)), file);
    expect(server.sentBytes - before).toBeLessThan(file.byteLength - CHUNK);
    expect(progress.length).toBeGreaterThan(0);
  });

  it("that are full end in STORE_FULL; with room it goes on", async () => {
    const files = new MemoryFiles();
    files.availableBytes = () => Promise.resolve(undefined); // only the write itself finds out
    files.room = 5 * CHUNK;
    const error = await failure(readAll(address, storeOf(files)));
    expect(error.code).toBe("STORE_FULL");
    expect(error.message).toContain("Free some space");
    files.room = Infinity;
    expectBytes(await readAll(address, storeOf(files)), file);
  });

  it("whose failures have no code are a failure of the store", async () => {
    const files = new MemoryFiles();
    files.write = () => Promise.reject(new Error("the folder is gone"));
    expect(await failure(readAll(address, storeOf(files)))).toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("the folder is gone"),
    });
  });

  it("serve two loads at a time, of which one downloads", async () => {
    const files = new MemoryFiles();
    const both = await Promise.all([readAll(address, storeOf(files)), readAll(address, storeOf(files))]);
    for (const bytes of both) expectBytes(bytes, file);
    expect(server.sentBytes).toBeLessThan(1.5 * file.byteLength);
  });

  it("are not asked for what is opened without a store", async () => {
    const source = await openSource(address);
    expectBytes(await source.read(0, source.byteLength), file);
    await source.close();
  });
});

describe("locks within a process", () => {
  const exclusive = { mode: "exclusive", wait: true } as const;
  const shared = { mode: "shared", wait: true } as const;

  it("go to one at a time, in order, and shared ones together", async () => {
    const locks = new ProcessLocks();
    const log: string[] = [];
    const hold = async (name: string, options: typeof exclusive | typeof shared) => {
      const release = await locks.acquire("a", options);
      log.push(`+${name}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
      log.push(`-${name}`);
      await release?.();
      await release?.();
    };
    const names = [
      ["1", exclusive],
      ["2", shared],
      ["3", shared],
      ["4", exclusive],
      ["5", shared],
    ] as const;
    await Promise.all(names.map(([name, options]) => hold(name, options)));
    expect(log.join(" ")).toBe("+1 -1 +2 +3 -2 -3 +4 -4 +5 -5");
  });

  it("are refused to who does not wait, and left by who no longer does", async () => {
    const locks = new ProcessLocks();
    const release = await locks.acquire("a", shared);
    expect(await locks.acquire("a", { mode: "exclusive", wait: false })).toBeUndefined();
    const stop = new AbortController();
    const waiting = failure(locks.acquire("a", { ...exclusive, signal: stop.signal }));
    const behind = locks.acquire("a", shared);
    stop.abort();
    expect((await waiting).code).toBe("ABORTED");
    const second = await behind;
    await release?.();
    expect(await locks.acquire("a", { mode: "exclusive", wait: false })).toBeUndefined();
    await second?.();
    expect(await locks.acquire("a", { mode: "exclusive", wait: false })).toBeDefined();
    expect((await failure(locks.acquire("b", { ...exclusive, signal: AbortSignal.abort() }))).code).toBe(
      "ABORTED",
    );
  });
});
