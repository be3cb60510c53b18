/** Reading a remote file forward: few requests, bounded memory, and nothing lost or left open on the way. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { MilletError } from "../../src/errors.js";
import { type ByteSource, openSource } from "../../src/store/index.js";
import { startServer } from "./server.js";
import { bytesAt, type VirtualFile, virtualFile } from "./virtual-file.js";

const MIB = 1 << 20;
const PIECE = 256 << 10;
const quick = { retryDelayMs: 1 };
const file = bytesAt(0, 20 * MIB);

const openVirtual = ({ fetch }: VirtualFile) =>
  openSource("http://127.0.0.1/model.gguf", { ...quick, fetch, retries: 0 });

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "fulfilled",
    (error: MilletError) => error.code,
  );

/** Reads [start, end) in pieces, `width` of them at the same time. */
async function readForward(source: ByteSource, start: number, end: number, width = 1): Promise<Uint8Array> {
  const target = new Uint8Array(end - start);
  const offsets = Array.from({ length: Math.ceil((end - start) / PIECE) }, (_, i) => i * PIECE);
  const readNext = async () => {
    for (let at = offsets.shift(); at !== undefined; at = offsets.shift()) {
      await source.readInto(start + at, target.subarray(at, at + PIECE));
    }
  };
  await Promise.all(Array.from({ length: width }, readNext));
  return target;
}

/** For what happens soon, on a machine however busy. */
const soon = { timeout: 10_000 };

const isSame = (bytes: Uint8Array, start = 0) =>
  Buffer.compare(bytes, file.subarray(start, start + bytes.byteLength)) === 0;

describe("20 MB read forward", () => {
  it.each([1, 4])("takes at most 6 requests and no byte twice, %i reads at a time", async (width) => {
    await using server = await startServer({ "model.gguf": file });
    const source = await openSource(`${server.origin}/model.gguf`, quick);
    expect(isSame(await readForward(source, 0, file.length, width))).toBe(true);
    await source.close();
    expect(server.requests.length).toBeLessThanOrEqual(6);
    expect(server.sentBytes).toBe(file.length);
  });

  it("survives connections that keep dropping, resuming where each broke", async () => {
    await using server = await startServer({ "model.gguf": file });
    const source = await openSource(`${server.origin}/model.gguf`, quick);
    let sent = 0;
    server.misbehave = (request, response) => {
      const [start, end] = /(\d+)-(\d+)/.exec(request.range!)!.slice(1).map(Number) as [number, number];
      response.writeHead(206, {
        "content-range": `bytes ${start}-${end}/${file.length}`,
        "content-length": end + 1 - start,
      });
      const part = file.subarray(start, Math.min(start + 1_500_000, end + 1));
      sent += part.length;
      response.write(part, () => response.destroy());
      return true;
    };
    expect(isSame(await readForward(source, 0, file.length))).toBe(true);
    await source.close();
    const starts = server.requests.map(({ range }) => Number(/\d+/.exec(range!)![0]));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(server.requests.length).toBeGreaterThan(13);
    expect(sent).toBeLessThan(1.1 * file.length);
  });

  it("notices that the file changes on the way", async () => {
    await using server = await startServer({ "model.gguf": file });
    const source = await openSource(`${server.origin}/model.gguf`, quick);
    await readForward(source, 0, MIB);
    server.etag = '"v2"';
    expect(await code(readForward(source, MIB, file.length))).toBe("SOURCE_CHANGED");
    await source.close();
  });

  it("stays with few requests where two places are read in turns, and where the order is shuffled nearby", async () => {
    const virtual = virtualFile(file.length);
    const source = await openVirtual(virtual);
    for (let at = 0; at < 6 * MIB; at += PIECE) {
      for (const start of [at, 10 * MIB + at]) {
        expect(isSame(await source.read(start, PIECE), start)).toBe(true);
      }
    }
    expect(virtual.ranges.length).toBeLessThanOrEqual(8);
    const shuffled = virtualFile(file.length);
    const other = await openVirtual(shuffled);
    for (let block = 0; block < file.length; block += 2 * MIB) {
      for (const part of [3, 0, 6, 1, 7, 5, 2, 4]) {
        const start = block + part * PIECE;
        expect(isSame(await other.read(start, PIECE), start)).toBe(true);
      }
    }
    expect(shuffled.ranges.length).toBeLessThanOrEqual(8);
    expect(shuffled.servedBytes).toBeLessThan(1.1 * file.length);
    await Promise.all([source.close(), other.close()]);
  });
});

describe("what comes ahead", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is nothing for a single large read, and 1 MiB for a small one", async () => {
    const virtual = virtualFile(100 * MIB);
    const source = await openVirtual(virtual);
    await source.read(50 * MIB, 3 * MIB);
    await source.read(80 * MIB, 10);
    await sleep(20);
    expect(virtual.ranges.slice(1)).toEqual([
      [50 * MIB, 53 * MIB],
      [80 * MIB, 81 * MIB],
    ]);
    await source.close();
  });

  it("keeps to 8 MiB however large the request is", async () => {
    const virtual = virtualFile(100 * MIB);
    const source = await openVirtual(virtual);
    for (let end = 0; end < 40 * MIB; ) {
      for (const stop = end + 10 * MIB; end < stop; end += PIECE) await source.read(end, PIECE);
      await vi.waitFor(() => expect(virtual.servedBytes).toBeGreaterThan(end + 4 * MIB), soon);
      await sleep(20);
      expect(virtual.servedBytes).toBeLessThanOrEqual(end + 8 * MIB + (64 << 10));
    }
    expect(virtual.ranges.length).toBeLessThanOrEqual(5);
    await source.close();
    await vi.waitFor(() => expect(virtual.cancelled).toBe(1), soon);
  });

  it("is given up after five seconds without a read, and fetched again when reading goes on", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const virtual = virtualFile(100 * MIB);
    const source = await openVirtual(virtual);
    await readForward(source, 0, 4 * MIB);
    vi.advanceTimersByTime(4900);
    await readForward(source, 4 * MIB, 5 * MIB);
    vi.advanceTimersByTime(4900);
    expect(virtual.cancelled).toBe(0);
    vi.advanceTimersByTime(200);
    vi.useRealTimers();
    await vi.waitFor(() => expect(virtual.cancelled).toBe(1), soon);
    expect(isSame(await readForward(source, 5 * MIB, 6 * MIB), 5 * MIB)).toBe(true);
    await source.close();
  });

  it("may fail unnoticed: the read that needs it asks again", async () => {
    const virtual = virtualFile(20 * MIB);
    const source = await openVirtual(virtual);
    const end = 2 * MIB;
    await readForward(source, 0, MIB - PIECE); // 1 MiB came in one request; the next one is due
    virtual.status = 503;
    await readForward(source, MIB - PIECE, MIB);
    await sleep(20);
    virtual.status = undefined;
    expect(isSame(await readForward(source, MIB, end), MIB)).toBe(true);
    virtual.status = 403;
    expect(await code(source.read(15 * MIB, PIECE))).toBe("SOURCE_READ_FAILED");
    await source.close();
  });
});

describe("stopping amid a stream", () => {
  /** A server that stalls after 3 MiB of the file; resolves `gone` when the connection to it ends. */
  async function stalling() {
    const server = await startServer({ "model.gguf": file });
    let close: () => void;
    const gone = new Promise<void>((resolve) => {
      close = resolve;
    });
    const source = await openSource(`${server.origin}/model.gguf`, quick);
    server.misbehave = (request, response) => {
      const [start, end] = /(\d+)-(\d+)/.exec(request.range!)!.slice(1).map(Number) as [number, number];
      response.writeHead(206, { "content-range": `bytes ${start}-${end}/${file.length}` });
      if (end < 3 * MIB) response.end(file.subarray(start, end + 1));
      else response.write(file.subarray(start, 3 * MIB));
      response.on("close", () => end >= 3 * MIB && close());
      return true;
    };
    await readForward(source, 0, 3 * MIB);
    return { server, source, gone };
  }

  it("ends a read and its connection within 200 ms of its signal", async () => {
    const { server, source, gone } = await stalling();
    const stop = new AbortController();
    const reading = code(source.read(3 * MIB, PIECE, stop.signal));
    await sleep(20);
    const begin = performance.now();
    stop.abort();
    expect(await reading).toBe("ABORTED");
    await gone;
    expect(performance.now() - begin).toBeLessThan(200);
    server.misbehave = undefined;
    expect(isSame(await source.read(3 * MIB, PIECE), 3 * MIB)).toBe(true);
    await source.close();
    await server[Symbol.asyncDispose]();
  });

  it("lets the other reads go on when one is aborted", async () => {
    const { server, source } = await stalling();
    const stop = new AbortController();
    const stopped = code(source.read(3 * MIB, PIECE, stop.signal));
    const other = code(source.read(3 * MIB + PIECE, PIECE));
    stop.abort();
    expect(await stopped).toBe("ABORTED");
    expect(await Promise.race([other, sleep(50, "waits")])).toBe("waits");
    await source.close();
    expect(await other).toBe("DISPOSED");
    await server[Symbol.asyncDispose]();
  });

  it("ends reads and connection on close", async () => {
    const { server, source, gone } = await stalling();
    const reading = code(source.read(3 * MIB, PIECE));
    await source.close();
    expect(await reading).toBe("DISPOSED");
    await gone;
    await server[Symbol.asyncDispose]();
  });
});
