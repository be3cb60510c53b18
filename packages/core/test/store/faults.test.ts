/** What servers and disks do wrong. After each of it, the next call has the right bytes or says what is wrong. */
import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoreOptions } from "../../src/store/index.js";
import type { FolderHost } from "../../src/store/place/node.js";
import { type Misbehaviour, type ServedRequest, startServer, type TestServer } from "./server.js";
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
  storeOn,
  temporaryFolder,
} from "./store-support.js";

const file = pattern(12 * CHUNK + 77);
const other = pattern(12 * CHUNK + 77, 5);
let server: TestServer;
let folder: string;
let address: string;

beforeEach(async () => {
  server = await startServer({ "model.gguf": file });
  folder = temporaryFolder();
  address = `${server.origin}/model.gguf`;
});
afterEach(() => server[Symbol.asyncDispose]());
afterAll(removeFolders);

const isProbe = ({ range }: ServedRequest) => range === "bytes=0-1";

/** The next call, of a server and a disk that do what they should. */
async function expectRecovery(content = file, options: StoreOptions = {}) {
  server.misbehave = undefined;
  expectBytes(await readAll(address, storeIn(folder, options)), content);
  const reports = await storeIn(folder).verify();
  expect(reports.map(({ damagedChunks }) => damagedChunks)).toEqual([0]);
  expect(filesIn(folder).data).toHaveLength(2);
  expect(filesIn(folder).locks).toEqual([]);
}

function partly(
  request: ServedRequest,
  response: ServerResponse,
  send: (start: number, end: number) => void,
) {
  const [start, end] = /(\d+)-(\d+)/.exec(request.range!)!.slice(1).map(Number) as [number, number];
  response.writeHead(206, {
    "content-range": `bytes ${start}-${end}/${file.byteLength}`,
    "content-length": end + 1 - start,
    etag: '"v1"',
  });
  send(start, end);
  return true;
}

describe("a server that", () => {
  it("drops every connection after 40 KiB is read to the end all the same", async () => {
    server.misbehave = (request, response) =>
      !isProbe(request) &&
      partly(request, response, (start, end) => {
        if (end - start < 40 * KIB) response.end(file.subarray(start, end + 1));
        else response.write(file.subarray(start, start + 40 * KIB), () => response.destroy());
      });
    expectBytes(await readAll(address, storeIn(folder)), file);
    await expectRecovery();
  });

  it("answers 503 for a while is asked again; for ever, it is named, and what came is kept", async () => {
    let failures = 6;
    server.misbehave = (request, response) =>
      !isProbe(request) && failures-- > 0 && Boolean(response.writeHead(503).end());
    expectBytes(await readAll(address, storeIn(folder)), file);
    folder = temporaryFolder();
    server.misbehave = (request, response, count) =>
      count % 3 === 0 && !isProbe(request) && Boolean(response.writeHead(502).end());
    const limited = { retries: 0, retryDelayMs: 1 };
    const error = await failure(readAll(address, storeIn(folder), limited));
    expect([error.code, error.message]).toEqual(["SOURCE_READ_FAILED", expect.stringContaining("502")]);
    await expectRecovery();
  });

  it("says nothing more is given up after a while", async () => {
    server.misbehave = (request, response) =>
      !isProbe(request) &&
      partly(request, response, (start) => response.write(file.subarray(start, start + 10)));
    const error = await failure(readAll(address, storeIn(folder), { stallMs: 40, retries: 0 }));
    expect([error.code, error.message]).toEqual([
      "SOURCE_READ_FAILED",
      expect.stringContaining("nothing came"),
    ]);
    await expectRecovery();
  });

  it("sends less than it announces is asked for the rest", async () => {
    let short = 6;
    server.misbehave = (request, response) => {
      if (isProbe(request) || short-- <= 0) return false;
      const [start, end] = /(\d+)-(\d+)/.exec(request.range!)!.slice(1).map(Number) as [number, number];
      response.writeHead(206, { "content-range": `bytes ${start}-${end}/${file.byteLength}`, etag: '"v1"' });
      response.end(file.subarray(start, start + 1000)); // chunked, and a clean end
      return true;
    };
    expectBytes(await readAll(address, storeIn(folder)), file);
    await expectRecovery();
  });

  it("announces more than there is is told apart from a whole file", async () => {
    const longer = file.byteLength + 3 * CHUNK;
    server.misbehave = (request, response) => {
      const [start, end] = /(\d+)-(\d+)/.exec(request.range!)!.slice(1).map(Number) as [number, number];
      if (start >= file.byteLength)
        return Boolean(response.writeHead(416, { "content-range": `bytes */${longer}` }).end());
      const bytes = file.subarray(start, end + 1);
      response
        .writeHead(206, { "content-range": `bytes ${start}-${end}/${longer}`, etag: '"v1"' })
        .end(bytes);
      return true;
    };
    const error = await failure(readAll(address, storeIn(folder)));
    expect(["SOURCE_CHANGED", "SOURCE_TRUNCATED"]).toContain(error.code);
    await expectRecovery();
  });

  it("has another file from the middle on: the new one is brought as a whole", async () => {
    server.misbehave = (_request, _response, count) => {
      if (count !== 3) return false;
      server.files.set("model.gguf", other);
      server.etag = '"v2"';
      return false;
    };
    expectBytes(await readAll(address, storeIn(folder)), other);
    await expectRecovery(other);
  });

  it("has another file between two calls goes on with the new one alone", async () => {
    server.misbehave = (request, response, count) =>
      count > 3 && !isProbe(request) && Boolean(response.writeHead(404).end());
    await failure(readAll(address, storeIn(folder)));
    server.files.set("model.gguf", other);
    server.etag = '"v2"';
    await expectRecovery(other);
  });

  it("changes the file and tells no version never gives a mixture", async () => {
    server.etag = undefined;
    let cut = true;
    server.misbehave = (request, response) => {
      if (isProbe(request) || !cut) return false;
      cut = false;
      server.files.set("model.gguf", other);
      response.writeHead(200, { "content-length": file.byteLength });
      response.write(file.subarray(0, 5 * CHUNK), () => response.destroy());
      return true;
    };
    expectBytes(await readAll(address, storeIn(folder)), other);
    await expectRecovery(other);
  });

  it("tells no version and breaks while a stored file is asked for anew leaves what is stored alone", async () => {
    server.etag = undefined;
    expectBytes(await readAll(address, storeIn(folder)), file);
    server.misbehave = (request, response) => {
      if (isProbe(request)) return false;
      response.writeHead(200, { "content-length": file.byteLength });
      response.write(other.subarray(0, 5 * CHUNK), () => response.destroy());
      return true;
    };
    await failure(readAll(address, storeIn(folder), { retries: 0 }));
    expectBytes(await readAll(address, storeIn(folder, { network: "none" })), file);
    server.files.set("model.gguf", other);
    await expectRecovery(other);
  });

  it("ignores ranges is read in one go, and again from the start when that breaks", async () => {
    let broken = 2;
    const ignoring: Misbehaviour = (request, response) => {
      response.writeHead(200, { "content-length": file.byteLength, etag: '"v1"' });
      if (isProbe(request) || broken-- <= 0) response.end(file);
      else response.write(file.subarray(0, 7 * CHUNK), () => response.destroy());
      return true;
    };
    server.misbehave = ignoring;
    expectBytes(await readAll(address, storeIn(folder)), file);
    await expectRecovery();
  });

  it("stops answering ranges in the middle is read in one go", async () => {
    server.misbehave = (_request, response, count) =>
      count > 3 &&
      Boolean(response.writeHead(200, { "content-length": file.byteLength, etag: '"v1"' }).end(file));
    expectBytes(await readAll(address, storeIn(folder)), file);
    await expectRecovery();
  });

  it("sends other bytes than the checksum says leaves nothing behind", async () => {
    const sha256 = createHash("sha256").update(file).digest("hex");
    const source = { files: [{ name: "model.gguf", location: address, sha256 }] };
    server.files.set("model.gguf", other);
    expect((await failure(storeIn(folder).pull(source))).code).toBe("SOURCE_CORRUPT");
    expect(filesIn(folder)).toMatchObject({ data: [], contents: [] });
    server.files.set("model.gguf", file);
    await storeIn(folder).pull(source);
    expect(await storeIn(folder).verify()).toMatchObject([{ damagedChunks: 0, file: { sha256 } }]);
  });
});

describe("redirects", () => {
  let storage: TestServer;
  let signature = 1;
  beforeEach(async () => {
    storage = await startServer({ blob: file });
    signature = 1;
    storage.misbehave = ({ path }, response) =>
      path !== `/blob?signature=${signature}` && Boolean(response.writeHead(403).end());
    server.misbehave = (_request, response) => {
      const location = `${storage.origin}/blob?signature=${signature}`;
      const tag = createHash("sha256").update(file).digest("hex");
      return Boolean(response.writeHead(302, { location, "x-linked-etag": `"${tag}"` }).end());
    };
  });
  afterEach(() => storage[Symbol.asyncDispose]());

  it("are followed once, until the signed address expires; the token stays at home", async () => {
    let served = 0;
    const refuse = storage.misbehave!;
    storage.misbehave = (request, response, count) => {
      if (++served === 4) signature = 2;
      return refuse(request, response, count);
    };
    const headers = { authorization: "Bearer secret", cookie: "a=b" };
    expectBytes(await readAll(address, storeIn(folder), { headers }), file);
    expect(server.requests.every(({ headers: { authorization } }) => authorization === "Bearer secret")).toBe(
      true,
    );
    expect(storage.requests.every(({ headers }) => !headers.authorization && !headers.cookie)).toBe(true);
    expect(server.requests.length).toBeLessThan(8); // the first, and one for each request that met the end
    expect(storage.requests.length).toBeGreaterThan(4);
  });

  it("carry the content's checksum", async () => {
    storage.files.set("blob", other);
    expect((await failure(readAll(address, storeIn(folder)))).code).toBe("SOURCE_CORRUPT");
  });

  it("that never end are given up", async () => {
    server.misbehave = (_request, response) => Boolean(response.writeHead(302, { location: address }).end());
    const error = await failure(readAll(address, storeIn(folder), { retries: 0 }));
    expect(error.message).toContain("redirects more than");
  });
});

/** A disk that fails with `code` once `allowed` writes of the kind were done. */
function failing(kind: "data" | "journal" | "record", allowed: number, code = "ENOSPC") {
  return (host: FolderHost): FolderHost => ({
    ...host,
    fs: {
      ...host.fs,
      async open(path, flags, mode) {
        const handle = await host.fs.open(path, flags, mode);
        const name = String(path);
        const isJournal = name.endsWith(".journal");
        const isData = !isJournal && /[\\/]data[\\/]/.test(name);
        const isRecord = name.endsWith(".tmp");
        const isMeant = { data: isData, journal: isJournal, record: isRecord }[kind];
        if (!isMeant) return handle;
        const fail = async () => {
          throw Object.assign(new Error(`${code}: no more`), { code });
        };
        const limited = <F extends (...args: never[]) => unknown>(run: F) =>
          ((...args) => (allowed-- > 0 ? run(...args) : fail())) as F;
        handle.write = limited(handle.write.bind(handle));
        handle.appendFile = limited(handle.appendFile.bind(handle));
        handle.writeFile = limited(handle.writeFile.bind(handle));
        return handle;
      },
    },
  });
}

describe("a disk that", () => {
  it.each([
    ["data", 5, "ENOSPC"],
    ["data", 0, "EDQUOT"],
    ["data", 3, "EFBIG"],
    ["journal", 4, "ENOSPC"],
    ["record", 2, "ENOSPC"],
    ["record", 3, "ENOSPC"],
  ] as const)(
    "is full (%s, after %i writes, %s) is named, and the next call goes on",
    async (kind, allowed, code) => {
      const error = await failure(storeOn(folder, failing(kind, allowed, code)).pull(address));
      expect([error.code, error.message]).toEqual(["STORE_FULL", expect.stringContaining(code)]);
      const before = (await storeIn(folder).list())[0]?.storedBytes ?? 0;
      if (allowed >= 3 && kind !== "record") expect(before).toBeGreaterThan(0);
      server.sentBytes = 0;
      await expectRecovery();
      expect(server.sentBytes).toBeLessThanOrEqual(file.byteLength - before + 4);
    },
  );

  it("fails otherwise is named too", async () => {
    const error = await failure(storeOn(folder, failing("data", 2, "EIO")).pull(address));
    expect(error.code).toBe("STORE_FAILED");
    await expectRecovery();
  });

  it("has too little room is not even begun on", async () => {
    const small = (host: FolderHost): FolderHost => ({
      ...host,
      fs: { ...host.fs, statfs: async () => ({ bavail: 10, bsize: 4096 }) },
    });
    const error = await failure(storeOn(folder, small).pull(address));
    expect([error.code, error.message]).toEqual(["STORE_FULL", expect.stringContaining("40960 are free")]);
    expect(server.requests.map(({ range }) => range)).toEqual(["bytes=0-1"]);
    await expectRecovery();
  });

  it("cannot be used lets the model be streamed, where that is allowed, and says why", async () => {
    const broken = (host: FolderHost): FolderHost => ({
      ...host,
      fs: {
        ...host.fs,
        mkdir: async () => {
          throw Object.assign(new Error("EROFS: read-only"), { code: "EROFS" });
        },
      },
    });
    expect((await failure(readAll(address, storeOn(folder, broken)))).code).toBe("STORE_FAILED");
    const notes: string[] = [];
    const lenient = storeOn(folder, broken, { onFailure: "stream" });
    expectBytes(await readAll(address, lenient, { onNote: (text: string) => notes.push(text) }), file);
    expect(notes).toEqual([expect.stringMatching(/not kept on this device.*EROFS/)]);
    const offline = storeOn(folder, broken, { onFailure: "stream", network: "none" });
    expect((await failure(readAll(address, offline))).code).toBe("STORE_FAILED");
  });
});
