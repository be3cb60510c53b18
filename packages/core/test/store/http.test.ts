import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MilletError } from "../../src/errors.js";
import { openSource } from "../../src/store/index.js";
import { startServer, type TestServer } from "./server.js";

const KIB = 1024;
const MIB = 1024 * KIB;

function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, x = seed; i < length; i++) bytes[i] = (x = (Math.imul(x, 1103515245) + 12345) | 0) >>> 16;
  return bytes;
}

const file = pattern(3 * MIB + 77);
const quick = { retryDelayMs: 1 };
let server: TestServer;

beforeEach(async () => {
  server = await startServer({
    "model.gguf": file,
    "a b-00002-of-00002.gguf": pattern(100, 2),
    "empty.gguf": new Uint8Array(),
  });
});
afterEach(() => server[Symbol.asyncDispose]());

const open = (name = "model.gguf", options = {}) =>
  openSource(`${server.origin}/${name}`, { ...quick, ...options });

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail("expected a failure"),
    ({ code, message, details }: MilletError) => ({ code, message, details }),
  );

describe("a file over HTTP", () => {
  it("tells name and size after one request, and reads ranges exactly", async () => {
    const source = await open();
    expect([source.name, source.byteLength, server.requests.length]).toEqual(["model.gguf", file.length, 1]);
    for (const [offset, length] of [
      [0, 4],
      [65_530, 20],
      [MIB, 3],
      [file.length - 5, 5],
      [10, 2 * MIB],
      [file.length, 0],
    ] as const) {
      expect(Buffer.compare(await source.read(offset, length), file.subarray(offset, offset + length))).toBe(
        0,
      );
    }
  });

  it("asks for uncompressed bytes and sends the caller's headers", async () => {
    await open("model.gguf", { headers: { authorization: "Bearer x" } });
    const { headers } = server.requests[0]!;
    expect([headers.authorization, headers["accept-encoding"]]).toEqual(["Bearer x", "identity"]);
  });

  it("serves many small reads from few requests, and large ones without waste", async () => {
    const source = await open();
    for (let at = 0; at < MIB - KIB; at += KIB) await source.read(at, KIB);
    expect(server.requests.length).toBe(2);
    const other = await open();
    server.sentBytes = 0;
    await other.read(MIB, MIB);
    expect(server.sentBytes).toBe(MIB);
  });

  it("reads into shared memory", async () => {
    const source = await open();
    const target = new Uint8Array(new SharedArrayBuffer(600 * KIB)).subarray(8);
    await source.readInto(100, target);
    expect(Buffer.compare(target, file.subarray(100, 100 + target.length))).toBe(0);
  });

  it("lets concurrent small reads share a request, and one's abort not harm the other", async () => {
    const source = await open();
    const stopped = new AbortController();
    const first = failure(source.read(MIB, 10, stopped.signal));
    const second = source.read(MIB + 20, 10);
    stopped.abort();
    expect((await first).code).toBe("ABORTED");
    expect(Buffer.compare(await second, file.subarray(MIB + 20, MIB + 30))).toBe(0);
  });

  it("opens siblings in the same directory, keeping the query", async () => {
    const source = await openSource(new URL(`${server.origin}/model.gguf?token=1`), quick);
    const sibling = await source.sibling("a b-00002-of-00002.gguf");
    expect([sibling.name, sibling.byteLength]).toEqual(["a b-00002-of-00002.gguf", 100]);
    expect(server.requests.at(-1)?.path).toBe("/a%20b-00002-of-00002.gguf?token=1");
    expect((await failure(source.sibling("gone.gguf"))).code).toBe("SOURCE_NOT_FOUND");
    expect((await failure(source.sibling("../x"))).code).toBe("INVALID_ARGUMENT");
  });

  it("opens an empty file", async () => {
    expect((await open("empty.gguf")).byteLength).toBe(0);
  });

  it("finds the size by HEAD when Content-Range is hidden", async () => {
    const hidden: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      const headers = new Headers(response.headers);
      headers.delete("content-range");
      const { status } = response;
      return new Response(init?.method === "HEAD" ? null : response.body, { status, headers });
    };
    const source = await open("model.gguf", { fetch: hidden });
    expect(source.byteLength).toBe(file.length);
    expect(Buffer.compare(await source.read(MIB, MIB), file.subarray(MIB, 2 * MIB))).toBe(0);
    expect(server.requests.map((request) => request.method)).toEqual(["GET", "HEAD", "GET"]);
  });
});

describe("a server that ignores ranges", () => {
  beforeEach(() => {
    server.misbehave = (_request, response) => {
      response.writeHead(200, { "content-length": file.length }).end(file);
      return true;
    };
  });

  it("is read whole if the file is small", async () => {
    const source = await open();
    expect(Buffer.compare(await source.read(MIB, 50), file.subarray(MIB, MIB + 50))).toBe(0);
    expect(server.requests.length).toBe(1);
  });

  it("is refused if the file is large", async () => {
    const error = await failure(open("model.gguf", { wholeFileLimitBytes: MIB }));
    expect(error.code).toBe("SOURCE_RANGE_UNSUPPORTED");
    expect(error.message).toContain("ignores ranges");
  });

  it("is refused if a body of unknown size turns out large, and read if small", async () => {
    server.misbehave = (_request, response) => {
      response.writeHead(200);
      response.write(file.subarray(0, MIB));
      response.end(file.subarray(MIB));
      return true;
    };
    expect((await failure(open("model.gguf", { wholeFileLimitBytes: 2 * MIB }))).code).toBe(
      "SOURCE_RANGE_UNSUPPORTED",
    );
    expect((await open()).byteLength).toBe(file.length);
  });

  it("is noticed when it stops answering ranges later", async () => {
    const late = server.misbehave!;
    server.misbehave = (request, response, count) => count > 1 && late(request, response, count);
    const source = await open();
    expect((await failure(source.read(MIB, MIB))).code).toBe("SOURCE_RANGE_UNSUPPORTED");
  });
});

describe("trouble", () => {
  it("notices another ETag, another size and a vanished end", async () => {
    const source = await open();
    server.etag = '"v2"';
    expect((await failure(source.read(MIB, MIB))).code).toBe("SOURCE_CHANGED");
    server.etag = '"v1"';
    server.files.set("model.gguf", pattern(4 * MIB));
    expect((await failure(source.read(MIB, MIB))).code).toBe("SOURCE_CHANGED");
    server.files.set("model.gguf", pattern(10));
    expect((await failure(source.read(MIB, MIB))).code).toBe("SOURCE_CHANGED");
  });

  it("resumes a dropped connection where it broke", async () => {
    const source = await open();
    let drops = 3;
    server.misbehave = (request, response) => {
      if (drops-- <= 0) return false;
      const [start, end] = /(\d+)-(\d+)/.exec(request.range!)!.slice(1).map(Number) as [number, number];
      response.writeHead(206, {
        "content-range": `bytes ${start}-${end}/${file.length}`,
        "content-length": end + 1 - start,
        etag: '"v1"',
      });
      response.write(file.subarray(start, start + 100_000), () => response.destroy());
      return true;
    };
    const bytes = await source.read(0, 2 * MIB);
    expect(Buffer.compare(bytes, file.subarray(0, 2 * MIB))).toBe(0);
    expect(server.requests.length).toBe(5); // open, three broken ones that each made progress, the rest
  });

  it("tries 5xx again and then says so", async () => {
    let failures = 2;
    server.misbehave = (_request, response) => failures-- > 0 && Boolean(response.writeHead(503).end());
    expect((await open()).byteLength).toBe(file.length);
    failures = 9;
    const error = await failure(open());
    expect(error.code).toBe("SOURCE_READ_FAILED");
    expect(error.message).toContain("status 503");
    expect(failures).toBe(6);
  });

  it.each(["seconds", "a date"])("waits as long as a busy server asks for: %s", async (form) => {
    let failures = 1;
    let refused = 0;
    let waitedMs = 0;
    server.misbehave = (_request, response) => {
      waitedMs = performance.now() - refused;
      if (failures-- <= 0) return false;
      refused = performance.now();
      const value = form === "seconds" ? "1" : new Date(Date.now() + 2000).toUTCString(); // whole seconds
      return Boolean(response.writeHead(429, { "retry-after": value }).end());
    };
    expect((await open()).byteLength).toBe(file.length);
    expect(waitedMs).toBeGreaterThan(900);
  });

  it("does not wait for a server that asks for too long, nor heed what is no time", async () => {
    let answers = 0;
    const refuse = (value: string) => {
      server.misbehave = (_request, response) =>
        Boolean(++answers && response.writeHead(503, { "retry-after": value }).end());
      return failure(open());
    };
    const error = await refuse("3600");
    expect(error.message).toContain("status 503 and asks to be left alone for 3600 seconds");
    expect(error.details).toMatchObject({ transient: true, retryAfterMs: 3_600_000 });
    expect(answers).toBe(1);
    expect((await refuse("soon")).details).not.toHaveProperty("retryAfterMs");
    expect(answers).toBe(4);
  });

  it("does not try a 403 again", async () => {
    server.misbehave = (_request, response) => Boolean(response.writeHead(403).end());
    expect((await failure(open())).message).toContain("denies access");
    expect(server.requests.length).toBe(1);
  });

  it("types a refused connection and a missing file", async () => {
    const { origin } = server;
    expect((await failure(open("nothing.gguf"))).code).toBe("SOURCE_NOT_FOUND");
    await server[Symbol.asyncDispose]();
    const error = await failure(openSource(`${origin}/model.gguf`, quick));
    expect(error.code).toBe("SOURCE_READ_FAILED");
    expect(error.message).toContain("connection failed. Check");
  });

  it("names CORS where a page may have been refused by a server of another origin", async () => {
    const fetch = () => Promise.reject(new TypeError("Failed to fetch"));
    const message = async (address: string) =>
      (await failure(openSource(new URL(address), { ...quick, fetch }))).message;
    vi.stubGlobal("location", new URL("https://page.test/chat/"));
    try {
      expect(await message("https://other.test/model.gguf")).toMatch(
        /pages of https:\/\/page\.test .*Access-Control-Allow-Origin/,
      );
      expect(await message("https://page.test/model.gguf")).toContain("connection failed. Check");
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it("says when the answer ends early with a clean close", async () => {
    const source = await open();
    server.misbehave = (_request, response) => {
      response.writeHead(206, { "content-range": `bytes ${MIB}-${2 * MIB - 1}/${file.length}` }).end();
      return true;
    };
    expect((await failure(source.read(MIB, MIB))).code).toBe("SOURCE_TRUNCATED");
  });

  it("refuses an answer for another range", async () => {
    const source = await open();
    server.misbehave = (_request, response) => {
      response.writeHead(206, { "content-range": `bytes 0-9/${file.length}` }).end("0123456789");
      return true;
    };
    expect((await failure(source.read(MIB, MIB))).message).toContain("the answer begins at 0");
  });

  it("stops at once when aborted: while waiting for an answer, amid a body, before a retry", async () => {
    const source = await open();
    const stop = async (promise: (signal: AbortSignal) => Promise<unknown>) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 30);
      const begin = performance.now();
      expect((await failure(promise(controller.signal))).code).toBe("ABORTED");
      expect(performance.now() - begin).toBeLessThan(200);
    };
    server.misbehave = () => true; // never answers
    await stop((signal) => source.read(MIB, MIB, signal));
    await stop((signal) => open("model.gguf", { signal }));
    server.misbehave = (_request, response) => {
      response.writeHead(206, { "content-range": `bytes ${MIB}-${2 * MIB - 1}/${file.length}` });
      response.write(file.subarray(MIB, MIB + 1000)); // and then nothing
      return true;
    };
    await stop((signal) => source.read(MIB, MIB, signal));
    server.misbehave = (_request, response) => Boolean(response.writeHead(500).end());
    await stop((signal) => open("model.gguf", { signal, retryDelayMs: 10_000 }));
  });

  it("refuses reads after close and out of range", async () => {
    const source = await open();
    expect((await failure(source.read(file.length - 1, 2))).code).toBe("SOURCE_TRUNCATED");
    expect((await failure(source.read(-1, 2))).code).toBe("INVALID_ARGUMENT");
    await source.close();
    expect((await failure(source.read(0, 1))).code).toBe("DISPOSED");
  });
});
