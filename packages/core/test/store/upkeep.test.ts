/** Verifying and repairing, evicting, locks, damaged records. */
import { mkdirSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSource } from "../../src/store/index.js";
import { journalEntry, journalHead, parseJournal } from "../../src/store/place/journal.js";
import { LockFiles } from "../../src/store/place/lock-files.js";
import { folderHost } from "../../src/store/place/node.js";
import { startServer, type TestServer } from "./server.js";
import {
  CHUNK,
  expectBytes,
  failure,
  filesIn,
  pattern,
  readAll,
  removeFolders,
  storeIn,
  temporaryFolder,
} from "./store-support.js";

const file = pattern(12 * CHUNK + 77);
let server: TestServer;
let folder: string;
let address: string;

beforeEach(async () => {
  server = await startServer({
    "model.gguf": file,
    "b.gguf": pattern(4 * CHUNK, 2),
    "c.gguf": pattern(4 * CHUNK, 3),
    "d.gguf": pattern(4 * CHUNK, 4),
  });
  folder = temporaryFolder();
  address = `${server.origin}/model.gguf`;
});
afterEach(() => server[Symbol.asyncDispose]());
afterAll(removeFolders);

const path = (...names: string[]) => join(folder, "store-1", ...names);
const dataFile = () => path("data", readdirSync(path("data")).find((name) => !name.includes("."))!);

function damage(...offsets: number[]): void {
  const bytes = readFileSync(dataFile());
  for (const offset of offsets) bytes[offset]! ^= 1;
  writeFileSync(dataFile(), bytes);
}

describe("verify", () => {
  it("finds single bits, and repairs by fetching those chunks alone", async () => {
    const store = storeIn(folder);
    await store.pull(address);
    damage(0, 5 * CHUNK + 3, 5 * CHUNK + 4);
    expect(await store.verify()).toMatchObject([{ damagedChunks: 2, isRepaired: false }]);
    server.sentBytes = 0;
    expect(await store.verify("model.gguf", { repair: true })).toMatchObject([
      { damagedChunks: 2, isRepaired: true },
    ]);
    expect(server.sentBytes).toBe(2 * CHUNK + 2);
    expectBytes(await readAll(address, storeIn(folder, { network: "none" })), file);
    expect(await store.verify()).toMatchObject([{ damagedChunks: 0 }]);
  });

  it("says why it cannot repair, and what is left is no poison", async () => {
    const store = storeIn(folder);
    await store.pull(`${address}?token=1`);
    damage(77);
    const [report] = await store.verify(undefined, { repair: true });
    expect(report).toMatchObject({
      damagedChunks: 1,
      isRepaired: false,
      problem: expect.stringContaining("pull"),
    });
    await store.pull(`${address}?token=1`, { repair: true });
    expect(await store.verify()).toMatchObject([{ damagedChunks: 0 }]);
    damage(77);
    server.files.set("model.gguf", pattern(13 * CHUNK, 7));
    server.etag = '"v2"';
    await store.pull(`${address}?token=1`, { repair: true });
    expectBytes(await readAll(`${address}?token=1`, store), pattern(13 * CHUNK, 7));
  });

  it("repairs nothing without a network, and takes nothing away", async () => {
    await storeIn(folder).pull(address);
    damage(1);
    const error = await failure(storeIn(folder, { network: "none" }).pull(address, { repair: true }));
    expect(error.code).toBe("SOURCE_NOT_STORED");
    expect(await storeIn(folder).list()).toMatchObject([{ address, sha256: expect.any(String) }]);
  });

  it("a file that somebody cut or removed is fetched again by whoever loads it", async () => {
    const store = storeIn(folder);
    await store.pull(address);
    truncateSync(dataFile(), 3 * CHUNK + 5);
    server.sentBytes = 0;
    expectBytes(await readAll(address, store), file);
    expect(server.sentBytes).toBeLessThan(file.byteLength);
  });
});

describe("eviction", () => {
  it("keeps within maxBytes by what was used least recently, and what is open", async () => {
    const store = storeIn(folder, { maxBytes: 9 * CHUNK });
    const at = (name: string) => `${server.origin}/${name}.gguf`;
    const names = async () => (await store.list()).map(({ name }) => name);
    await store.pull(at("b"));
    await store.pull(at("c"));
    await readAll(at("b"), store);
    await store.pull(at("d"));
    expect(await names()).toEqual(["b.gguf", "d.gguf"]);
    const open = await openSource(at("b"), { store });
    await readAll(at("d"), store);
    await store.pull(at("c"));
    expect(await names()).toEqual(["b.gguf", "c.gguf"]); // b was older, but open
    await open.close();
    const error = await failure(store.pull(address));
    expect([error.code, await names()]).toEqual(["STORE_FULL", ["b.gguf", "c.gguf"]]);
  });

  it("removes by address, folder, name or checksum, and what a crash left", async () => {
    const store = storeIn(folder);
    for (const name of ["b", "c", "d"]) await store.pull(`${server.origin}/${name}.gguf`);
    expect(await store.remove("b.gguf")).toHaveLength(1);
    expect(await store.remove((await store.list())[0]!.sha256!)).toMatchObject([{ name: "c.gguf" }]);
    writeFileSync(path("data", "f".repeat(64)), "left by a crash");
    expect(await store.remove(server.origin)).toMatchObject([{ name: "d.gguf" }]);
    await store.evict(1e9);
    expect(filesIn(folder)).toMatchObject({ data: [], refs: [], contents: [], uses: [], locks: [] });
  });
});

it("records that are damaged count as absent", async () => {
  const store = storeIn(folder);
  await store.pull(address);
  for (const kind of ["refs", "contents", "uses"]) {
    for (const text of [
      "",
      "{",
      "null",
      '{"sha256":"../../etc","key":"/x","byteLength":-1}',
      "\u0000".repeat(99),
    ]) {
      for (const name of readdirSync(path(kind))) writeFileSync(path(kind, name), text);
      expectBytes(await readAll(address, store), file);
    }
  }
  writeFileSync(path("contents", `${"0".repeat(64)}.x.tmp`), "");
  utimesSync(path("contents", `${"0".repeat(64)}.x.tmp`), 1, 1);
  expectBytes(await readAll(address, storeIn(folder)), file);
  expect(readdirSync(path("contents"))).toHaveLength(1);
});

describe("the journal", () => {
  const layout = { byteLength: 100, chunkBytes: 10 };
  const [a, b] = ["a".repeat(64), "b".repeat(64)] as const;
  const text = journalHead(layout) + journalEntry(0, a) + journalEntry(1, b) + journalEntry(0, undefined);

  it("gives what was noted, wherever it was cut off", () => {
    expect(parseJournal(text, layout)).toEqual(new Map([[1, b]]));
    for (let length = 0; length <= text.length; length++) {
      const found = parseJournal(text.slice(0, length) + journalEntry(3, a), layout);
      for (const [index, hash] of found ?? []) expect([a, b][index === 1 ? 1 : 0]).toBe(hash);
      if (length >= journalHead(layout).length) expect(found?.get(3)).toBe(a);
    }
  });

  it("passes over what is damaged or does not belong", () => {
    for (let at = journalHead(layout).length + 1; at < text.length; at++) {
      const damaged = `${text.slice(0, at)}#${text.slice(at + 1)}`;
      for (const hash of parseJournal(damaged, layout)!.values()) expect([a, b]).toContain(hash);
    }
    expect(parseJournal(text, { byteLength: 101, chunkBytes: 10 })).toBeUndefined();
    expect(parseJournal(journalHead(layout) + journalEntry(10, a), layout)?.size).toBe(0);
  });
});

describe("locks", () => {
  const wait = { wait: false } as const;
  const locksIn = (changes = {}) => {
    const at = join(temporaryFolder(), "locks");
    mkdirSync(at);
    return { at, locks: new LockFiles(at, { ...folderHost()!, ...changes }, 500) };
  };

  it("shared go together, exclusive alone", async () => {
    const { locks } = locksIn();
    const first = await locks.acquire("x", { mode: "shared", ...wait });
    const second = await locks.acquire("x", { mode: "shared", ...wait });
    expect([first, second]).not.toContain(undefined);
    expect(await locks.acquire("x", { mode: "exclusive", ...wait })).toBeUndefined();
    await first!();
    const waiting = locks.acquire("x", { mode: "exclusive", wait: true });
    await second!();
    const exclusive = await waiting;
    expect(await locks.acquire("x", { mode: "shared", ...wait })).toBeUndefined();
    expect(await locks.acquire("y", { mode: "exclusive", ...wait })).toBeDefined();
    await exclusive!();
    await exclusive!();
    expect(await locks.acquire("x", { mode: "shared", ...wait })).toBeDefined();
  });

  it("of processes that are gone or silent are taken over, by one of many", async () => {
    const { at, locks } = locksIn({ isRunning: (pid: number) => pid !== 12345 });
    const owner = (pid: number, host = folderHost()!.hostName) => JSON.stringify({ token: "t", pid, host });
    for (const mode of ["exclusive", "shared"] as const) {
      writeFileSync(join(at, "x.lock"), owner(12345));
      await (await locks.acquire("x", { mode, ...wait }))!();
    }
    writeFileSync(join(at, "x.t.use"), owner(12345));
    await (await locks.acquire("x", { mode: "exclusive", ...wait }))!();
    writeFileSync(join(at, "x.lock"), owner(12345, "elsewhere")); // whether that runs, nobody here knows
    expect(await locks.acquire("x", { mode: "exclusive", ...wait })).toBeUndefined();
    utimesSync(join(at, "x.lock"), 1, 1);
    const all = await Promise.all(
      Array.from({ length: 20 }, () => locks.acquire("x", { mode: "exclusive", ...wait })),
    );
    expect(all.filter(Boolean)).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 700)); // its holder touches it meanwhile
    expect(await locks.acquire("x", { mode: "exclusive", ...wait })).toBeUndefined();
  });

  it("waiting ends by a signal", async () => {
    const { locks } = locksIn();
    await locks.acquire("x", { mode: "exclusive", ...wait });
    const signal = AbortSignal.timeout(60);
    expect((await failure(locks.acquire("x", { mode: "exclusive", wait: true, signal }))).code).toBe(
      "ABORTED",
    );
  });
});
