/** hf: references against a server that speaks the hub's API and redirects to storage, as the hub does. */
import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseFiles } from "../../src/store/hub/choose.js";
import { parseHubPage, parseHubReference } from "../../src/store/hub/reference.js";
import { openSource, type StoreOptions } from "../../src/store/index.js";
import { startServer, type TestServer } from "./server.js";
import {
  CHUNK,
  expectBytes,
  failure,
  pattern,
  readAll,
  removeFolders,
  storeIn,
  temporaryFolder,
} from "./store-support.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const text = (content: string) => new TextEncoder().encode(content);
const COMMIT = "c".repeat(40);

let hub: TestServer;
let storage: TestServer;
let folder: string;
/** Files of one repository, o/r; those of more than 100 bytes are in large file storage. */
let repository: Map<string, Uint8Array>;
let commit = COMMIT;
let isGated = false;

beforeEach(async () => {
  [hub, storage, folder, commit, isGated] = [
    await startServer({}),
    await startServer({}),
    temporaryFolder(),
    COMMIT,
    false,
  ];
  repository = new Map([["README.md", text("hello")]]);
  hub.misbehave = ({ path, headers }, response) => {
    if (isGated && headers.authorization !== "Bearer secret") return Boolean(response.writeHead(401).end());
    if (path.startsWith("/api/models/o/r/revision/")) {
      const siblings = [...repository].map(([rfilename, bytes]) => ({
        rfilename,
        size: bytes.byteLength,
        blobId: sha256(bytes).slice(0, 40),
        ...(bytes.byteLength > 100 && { lfs: { sha256: sha256(bytes), size: bytes.byteLength } }),
      }));
      return Boolean(response.end(JSON.stringify({ id: "o/r", sha: commit, siblings })));
    }
    const bytes = repository.get(decodeURIComponent(path.split(`/resolve/${commit}/`)[1] ?? "?"));
    if (!path.startsWith("/o/r/resolve/") || !bytes) return Boolean(response.writeHead(404).end());
    storage.files.set(sha256(bytes), bytes);
    storage.etag = undefined; // as of storage that says nothing useful
    return Boolean(response.writeHead(302, { location: `${storage.origin}/${sha256(bytes)}` }).end());
  };
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await storage[Symbol.asyncDispose]();
});
afterAll(removeFolders);

const store = (options: StoreOptions = {}) =>
  storeIn(folder, { ...options, hub: { endpoint: hub.origin, ...options.hub } });

describe("hf: references", () => {
  it("of one file: checked against the hub's checksum, and then one question to the hub, or none", async () => {
    const bytes = pattern(5 * CHUNK + 3);
    repository.set("sub/model.gguf", bytes);
    expectBytes(await readAll("hf:o/r/sub/model.gguf", store()), bytes);
    const count = storage.requests.length;
    hub.requests.length = 0;
    expectBytes(await readAll("hf:o/r/sub/model.gguf", store()), bytes);
    expect([hub.requests.length, storage.requests.length]).toEqual([1, count]);
    expectBytes(await readAll("hf:o/r/sub/model.gguf", store({ network: "none" })), bytes);
    expectBytes(
      await readAll(`${hub.origin}/o/r/blob/main/sub/model.gguf`, store({ network: "none" })),
      bytes,
    );
    expect(hub.requests.length).toBe(1);
    expect(await store().list()).toMatchObject([{ address: "hf:o/r/sub/model.gguf", sha256: sha256(bytes) }]);
    await hub[Symbol.asyncDispose]();
    const notes: string[] = [];
    const onNote = (note: string) => notes.push(note);
    expectBytes(await readAll("hf:o/r/sub/model.gguf", store(), { onNote }), bytes);
    expect(notes).toEqual([expect.stringContaining("hub could not be asked")]);
  });

  it("choose the one GGUF file, by quantization if there are several", async () => {
    repository.set("m.Q4_0.gguf", pattern(3000, 1)).set("mmproj-m.gguf", pattern(200, 3));
    expectBytes(await readAll("hf:o/r", store()), pattern(3000, 1));
    repository.set("m.Q8_0.gguf", pattern(4000, 2));
    const error = await failure(readAll("hf:o/r", store()));
    expect([error.code, error.message]).toEqual([
      "INVALID_ARGUMENT",
      expect.stringContaining("m.Q4_0.gguf, m.Q8_0.gguf"),
    ]);
    expectBytes(await readAll("hf:o/r:q8_0", store()), pattern(4000, 2));
    expect((await failure(readAll("hf:o/r:Q2_K", store()))).code).toBe("SOURCE_NOT_FOUND");
  });

  it("bring all shards of a split file from one commit", async () => {
    repository.set("m-00001-of-00002.gguf", pattern(1000, 1)).set("m-00002-of-00002.gguf", pattern(2000, 2));
    const source = await openSource("hf:o/r", { store: store() });
    commit = "d".repeat(40);
    const sibling = await source.sibling("m-00002-of-00002.gguf");
    expectBytes(await sibling.read(0, 2000), pattern(2000, 2));
    await Promise.all([source.close(), sibling.close()]);
  });

  it("bring the folder of a model in safetensors, and follow its changes file by file", async () => {
    repository
      .set("config.json", text("{}"))
      .set("model.safetensors", pattern(7000))
      .set("pytorch_model.bin", pattern(500));
    const open = () => openSource("hf:o/r", { store: store() });
    const source = await open();
    expect(source.name).toBe("config.json");
    const weights = await source.sibling("model.safetensors");
    expectBytes(await weights.read(0, 7000), pattern(7000));
    expect((await failure(source.sibling("tokenizer.json"))).code).toBe("SOURCE_NOT_FOUND");
    expect((await store().list()).map(({ name }) => name)).toEqual(["config.json", "model.safetensors"]);
    await Promise.all([source.close(), weights.close()]);
    const count = storage.requests.length;
    await (await open()).close();
    expect(storage.requests.length).toBe(count);
    repository.set("config.json", text("[]"));
    commit = "d".repeat(40);
    const changed = await open();
    expect(new TextDecoder().decode(await changed.read(0, 2))).toBe("[]");
    await changed.close();
    expect(await store().list()).toHaveLength(2);
    await store().remove("hf:o/r");
    expect(await store().list()).toEqual([]);
  });

  it("are read from the hub where nothing is kept", async () => {
    repository.set("m.gguf", pattern(5000));
    const source = await openSource("hf:o/r", { hub: { endpoint: hub.origin } });
    expectBytes(await source.read(0, 5000), pattern(5000));
    await source.close();
    const closed = openSource("hf:o/r", { hub: { endpoint: hub.origin }, network: "none" });
    expect((await failure(closed)).code).toBe("SOURCE_NOT_STORED");
  });

  it("of private models send the token to the hub alone, and say so without one", async () => {
    isGated = true;
    repository.set("m.gguf", pattern(5000));
    const error = await failure(readAll("hf:o/r", store(), { retries: 0 }));
    expect(error.message).toMatch(/private or gated.*HF_TOKEN/);
    expectBytes(await readAll("hf:o/r", store({ hub: { token: "secret" } })), pattern(5000));
    expect(storage.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("are repaired by their address alone", async () => {
    repository.set("m.gguf", pattern(3 * CHUNK));
    await store().pull("hf:o/r");
    const { readdirSync, writeFileSync } = process.getBuiltinModule("node:fs");
    const data = readdirSync(`${folder}/store-1/data`).find((name) => !name.includes("."))!;
    const broken = pattern(3 * CHUNK);
    broken[CHUNK]! ^= 255;
    writeFileSync(`${folder}/store-1/data/${data}`, broken);
    expect(await store().verify("hf:o/r", { repair: true })).toMatchObject([
      { damagedChunks: 1, isRepaired: true },
    ]);
    expectBytes(await readAll("hf:o/r", store({ network: "none" })), pattern(3 * CHUNK));
  });

  it("of what is not there say so, and so does a hub that answers nonsense", async () => {
    expect((await failure(readAll("hf:o/r/none.gguf", store()))).code).toBe("SOURCE_NOT_FOUND");
    expect((await failure(readAll("hf:o/r", store()))).message).toContain(
      "neither a GGUF file nor config.json",
    );
    const missing = await failure(readAll("hf:o/other", store()));
    expect([missing.code, missing.message]).toEqual([
      "SOURCE_NOT_FOUND",
      expect.stringContaining("hf:o/other@main"),
    ]);
    for (const answer of ["<html>", "[]", '{"sha":"../..","siblings":[]}', "{}"]) {
      hub.misbehave = (_request, response) => Boolean(response.end(answer));
      const error = await failure(readAll("hf:o/x", store(), { retries: 0 }));
      expect([error.code, error.message]).toEqual([
        "SOURCE_READ_FAILED",
        expect.stringContaining("no list of files"),
      ]);
    }
  });
});

it("references are read exactly", () => {
  expect(parseHubReference("hf:o/r")).toEqual({ repo: "o/r", revision: "main" });
  expect(parseHubReference("hf:o/r@refs%2Fpr%2F1/a/b.gguf")).toEqual({
    repo: "o/r",
    revision: "refs/pr/1",
    path: "a/b.gguf",
  });
  expect(parseHubReference("hf://o/r:Q4_K_M")).toMatchObject({ repo: "o/r", quantization: "Q4_K_M" });
  expect(parseHubReference("model.gguf")).toBeUndefined();
  for (const wrong of ["hf:", "hf:o", "hf:o/r/../x", "hf:../r", "hf:o/r:", "hf:o/r//x"])
    expect(() => parseHubReference(wrong)).toThrow("no reference");
  const page = (address: string) => parseHubPage(new URL(address), new URL("https://huggingface.co"));
  expect(page("https://huggingface.co/o/r")).toMatchObject({ repo: "o/r", revision: "main" });
  expect(page("https://huggingface.co/o/r/resolve/v1/a%20b.gguf?download=true")).toMatchObject({
    revision: "v1",
    path: "a b.gguf",
  });
  for (const other of [
    "https://huggingface.co/",
    "https://huggingface.co/api/models/o/r",
    "https://x.test/o/r",
  ])
    expect(page(other)).toBeUndefined();
});

it("a repository is looked through as its files are named", () => {
  const choose = (path: string | undefined, ...paths: string[]) => {
    const files = paths.map((name) => ({ path: name, byteLength: 1, sha256: undefined, blobId: undefined }));
    return chooseFiles({ repo: "o/r", revision: "main", path }, files).map((file) => file.path);
  };
  expect(choose(undefined, "x/m-00002-of-00002.gguf", "x/m-00001-of-00002.gguf")).toEqual([
    "x/m-00001-of-00002.gguf",
    "x/m-00002-of-00002.gguf",
  ]);
  expect(choose("Q4", "Q8/m.gguf", "Q4/m.gguf")).toEqual(["Q4/m.gguf"]);
  expect(choose("config.json", "model-00001-of-00001.safetensors", "config.json", "tokenizer.json")).toEqual([
    "config.json",
    "tokenizer.json",
    "model-00001-of-00001.safetensors",
  ]);
  expect(() => choose(undefined, "m-00001-of-00002.gguf")).toThrow("m-00002-of-00002.gguf");
});

describe("a folder on another server", () => {
  it("is stored as it is opened, and opens without the server, whatever files it lacks", async () => {
    storage.files.set("m/config.json", text("{}")).set("m/model.safetensors", pattern(3000));
    storage.misbehave = ({ path }, response) =>
      !storage.files.has(path.slice(1)) && Boolean(response.writeHead(404).end());
    const address = `${storage.origin}/m/`;
    const open = async () => {
      const source = await openSource(address, { store: store(), retryDelayMs: 1 });
      const weights = await source.sibling("model.safetensors");
      expectBytes(await weights.read(0, 3000), pattern(3000));
      expect((await failure(source.sibling("tokenizer.json"))).code).toBe("SOURCE_NOT_FOUND");
      await Promise.all([source.close(), weights.close()]);
    };
    await open();
    expect((await failure(store().pull(address))).code).toBe("INVALID_ARGUMENT");
    await storage[Symbol.asyncDispose]();
    await open();
    storage = await startServer({}); // for the end of the test
  });
});
