import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DownloadProgress, openSource } from "../../src/store/index.js";
import { Sha256 } from "../../src/store/keep/sha256.js";
import { startServer, type TestServer } from "./server.js";
import {
  CHUNK,
  expectBytes,
  failure,
  filesIn,
  KIB,
  pattern,
  readAll,
  removeFolders,
  storeIn,
  temporaryFolder,
} from "./store-support.js";

const file = pattern(20 * CHUNK + 77);
let server: TestServer;
let folder: string;
let address: string;

beforeEach(async () => {
  server = await startServer({
    "model.gguf": file,
    "split-00001-of-00002.gguf": file.subarray(0, 3 * CHUNK),
    "split-00002-of-00002.gguf": file.subarray(3 * CHUNK, 5 * CHUNK + 1),
    "empty.gguf": new Uint8Array(),
  });
  folder = temporaryFolder();
  address = `${server.origin}/model.gguf`;
});
afterEach(() => server[Symbol.asyncDispose]());
afterAll(removeFolders);

const bodyRequests = () => server.requests.filter(({ range }) => range !== "bytes=0-1").length;

describe("a file from a server", () => {
  it("is downloaded once, in parallel ranges, and then asked for with its ETag only", async () => {
    const store = storeIn(folder);
    expectBytes(await readAll(address, store), file);
    expect(server.sentBytes).toBe(file.byteLength + 2);
    expect(bodyRequests()).toBeGreaterThanOrEqual(4);
    server.requests.length = 0;
    expectBytes(await readAll(address, store), file);
    expect(server.requests.map(({ headers }) => headers["if-none-match"])).toEqual(['"v1"']);
  });

  it("is served without a request by network: missing and none, and without a server at all", async () => {
    await storeIn(folder).pull(address);
    server.requests.length = 0;
    expectBytes(await readAll(address, storeIn(folder, { network: "missing" })), file);
    expectBytes(await readAll(address, storeIn(folder, { network: "none" })), file);
    expect(server.requests).toEqual([]);
    const never = () => expect.fail("no request may be sent");
    const other = storeIn(temporaryFolder(), { network: "none" });
    const error = await failure(readAll(address, other, { fetch: never }));
    expect([error.code, error.message]).toEqual([
      "SOURCE_NOT_STORED",
      expect.stringContaining("millet pull"),
    ]);
    await server[Symbol.asyncDispose]();
    const notes: string[] = [];
    const onNote = (text: string) => notes.push(text);
    expectBytes(await readAll(address, storeIn(folder), { onNote }), file);
    expect(notes).toEqual([expect.stringContaining("could not be asked")]);
  });

  it("is downloaded anew when it changed on the server, and the old one goes", async () => {
    const store = storeIn(folder);
    await store.pull(address);
    const changed = pattern(5 * CHUNK, 9);
    server.files.set("model.gguf", changed);
    server.etag = '"v2"';
    expectBytes(await readAll(address, store), changed);
    expect((await store.list()).map(({ byteLength }) => byteLength)).toEqual([changed.byteLength]);
    expect(filesIn(folder).data).toHaveLength(2); // one file and its journal
  });

  it("is one content for several addresses", async () => {
    const store = storeIn(folder);
    await store.pull(address);
    await store.pull(`${address}?mirror=2`);
    expect(filesIn(folder)).toMatchObject({
      contents: [expect.any(String)],
      refs: [expect.any(String), expect.any(String)],
    });
    const hash = createHash("sha256").update(file).digest("hex");
    expect((await store.list()).map(({ sha256 }) => sha256)).toEqual([hash, hash]);
  });

  it("keeps no query, which may hold a token, on the disk", async () => {
    const store = storeIn(folder);
    await store.pull(`${address}?token=geheim`);
    expect((await store.list())[0]!.address).toBe(address);
    const { execFileSync } = process.getBuiltinModule("node:child_process");
    expect(() => execFileSync("grep", ["-ra", "geheim", folder])).toThrow(); // grep finds nothing
  });

  it("brings all files of a split model, and serves them as siblings", async () => {
    const store = storeIn(folder);
    const seen: DownloadProgress[] = [];
    const source = await openSource(`${server.origin}/split-00001-of-00002.gguf`, {
      store,
      onDownload: (progress) => seen.push(progress),
    });
    const sibling = await source.sibling("split-00002-of-00002.gguf");
    expectBytes(await sibling.read(0, sibling.byteLength), file.subarray(3 * CHUNK, 5 * CHUNK + 1));
    expect(seen.at(-1)).toMatchObject({ loadedBytes: 5 * CHUNK + 1, totalBytes: 5 * CHUNK + 1 });
    expect((await store.list()).map(({ name }) => name)).toEqual([
      "split-00001-of-00002.gguf",
      "split-00002-of-00002.gguf",
    ]);
    expect((await failure(source.sibling("gone.gguf"))).code).toBe("SOURCE_NOT_FOUND");
    await Promise.all([source.close(), sibling.close()]);
  });

  it("may be empty", async () => {
    expect(await readAll(`${server.origin}/empty.gguf`, storeIn(folder))).toHaveLength(0);
  });

  it("is held against the checksum that comes with its address", async () => {
    const store = storeIn(folder);
    const sha256 = createHash("sha256").update(file).digest("hex");
    const files = (sum: string) => ({ files: [{ name: "m.gguf", location: address, sha256: sum }] });
    const error = await failure(store.pull(files("0".repeat(64))));
    expect([error.code, error.details.found]).toEqual(["SOURCE_CORRUPT", sha256]);
    expect(filesIn(folder)).toMatchObject({ data: [], contents: [] });
    await store.pull(files(sha256));
    server.requests.length = 0;
    await store.pull(files(sha256));
    expect(server.requests).toEqual([]); // known by its content
  });
});

it("tells how far it is, how fast, and for how long", async () => {
  const seen: DownloadProgress[] = [];
  server.misbehave = throttled(30);
  await storeIn(folder).pull(address, { onProgress: (progress) => seen.push(progress) });
  expect(seen.length).toBeGreaterThan(3);
  expect(seen.at(-1)).toMatchObject({ loadedBytes: file.byteLength, totalBytes: file.byteLength });
  expect(seen.map(({ loadedBytes }) => loadedBytes)).toEqual(
    seen.map(({ loadedBytes }) => loadedBytes).toSorted((a, b) => a - b),
  );
  const middle = seen.findLast(({ remainingMs }) => remainingMs !== undefined && remainingMs > 0)!;
  const left = middle.totalBytes - middle.loadedBytes;
  expect(middle.remainingMs).toBeCloseTo((left * 1000) / middle.bytesPerSecond!, 3);
});

describe("a download that is interrupted", () => {
  it("goes on where it stopped, by another store, without what came before", async () => {
    const stop = new AbortController();
    server.misbehave = throttled(20);
    const onProgress = ({ loadedBytes }: DownloadProgress) => loadedBytes > 8 * CHUNK && stop.abort();
    const error = await failure(storeIn(folder).pull(address, { signal: stop.signal, onProgress }));
    expect(error.code).toBe("ABORTED");
    const [partial] = await storeIn(folder).list();
    expect(partial).toMatchObject({ sha256: undefined, byteLength: file.byteLength });
    expect(partial!.storedBytes).toBeGreaterThan(2 * CHUNK);
    server.misbehave = undefined;
    await new Promise((resolve) => setTimeout(resolve, 200)); // the server learns that nobody reads on
    server.sentBytes = 0;
    expectBytes(await readAll(address, storeIn(folder)), file);
    expect(server.sentBytes).toBe(file.byteLength - partial!.storedBytes + 2);
  });

  it("is told by its bytes, of which the last chunk has few", async () => {
    const stop = new AbortController();
    server.misbehave = ({ range }) => /^bytes=0-(?!1$)/.test(range ?? ""); // the beginning does not come
    const pulling = failure(storeIn(folder).pull(address, { signal: stop.signal }));
    const stored = async () => (await storeIn(folder).list())[0]?.storedBytes ?? 0;
    await expect.poll(async () => (await stored()) % CHUNK, { timeout: 20_000 }).toBe(77);
    stop.abort();
    expect((await pulling).code).toBe("ABORTED");
    expect((await stored()) % CHUNK).toBe(77);
  });

  it("fetches again what was damaged on the disk meanwhile", async () => {
    const stop = new AbortController();
    server.misbehave = throttled(20);
    const onProgress = ({ loadedBytes }: DownloadProgress) => loadedBytes > 8 * CHUNK && stop.abort();
    await failure(storeIn(folder).pull(address, { signal: stop.signal, onProgress }));
    server.misbehave = undefined;
    const data = filesIn(folder).data!.find((name) => !name.endsWith(".journal"))!;
    writeFileSync(join(folder, "store-1/data", data), new Uint8Array(30 * KIB)); // cut and zeroed
    expectBytes(await readAll(address, storeIn(folder)), file);
  });
});

describe("SHA-256 in JavaScript", () => {
  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 100_003])("of %i bytes, in odd pieces", (length) => {
    const bytes = pattern(length, 3);
    const hash = new Sha256();
    for (let at = 0, step = 1; at < length; at += step, step = (step * 7) % 131 || 1)
      hash.update(bytes.subarray(at, at + step));
    expect(hash.digest()).toBe(createHash("sha256").update(bytes).digest("hex"));
  });
});

/** Sends a piece of 16 KiB every `delayMs`. */
function throttled(delayMs: number) {
  return (
    request: { range: string | undefined; path: string },
    response: import("node:http").ServerResponse,
  ) => {
    if (request.range === "bytes=0-1") return false;
    const [start, end] = /(\d+)-(\d+)/.exec(request.range!)!.slice(1).map(Number) as [number, number];
    response.writeHead(206, {
      "content-range": `bytes ${start}-${end}/${file.byteLength}`,
      "content-length": end + 1 - start,
      etag: '"v1"',
    });
    let at = start;
    const send = () => {
      if (response.destroyed) return;
      const next = Math.min(at + 16 * KIB, end + 1);
      server.sentBytes += next - at;
      response.write(file.subarray(at, next));
      at = next;
      if (at <= end) setTimeout(send, delayMs);
      else response.end();
    };
    send();
    return true;
  };
}
