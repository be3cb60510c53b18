/** Which sources a model can be loaded from again after the loss of its backend, and what is told of the others. */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { createStore, type LoadModelOptions, loadModel, MilletError, type Model } from "../../src/index.js";
import { type ModelSource, openSource } from "../../src/store/index.js";
import { startServer } from "../store/server.js";
import { FragileDevice } from "./fragile-backend.js";
import { tinyModel } from "./tiny-model.js";

const bytes = await tinyModel();
const OPTIONS = { maxTokens: 6, temperature: 0, ignoreEndOfGeneration: true };
const folder = mkdtempSync(join(tmpdir(), "millet-recovery-"));
let last: Model | undefined;

afterEach(async () => {
  vi.restoreAllMocks();
  await last?.dispose();
  last = undefined;
});

/** A model on a device that is lost at the fifth step of its first answer. */
async function load(
  source: ModelSource,
  options: Pick<LoadModelOptions, "headers" | "network" | "store"> = {},
) {
  const device = new FragileDevice({
    fault: (event, n) => (event === "step" && n === 5 ? "BACKEND_LOST" : undefined),
  });
  last = await loadModel(source, { backend: device, ...options });
  return { model: last, device };
}

const answer = async (model: Model) => (await model.generate("ab", OPTIONS).result).tokenIds;
const expected = await (async () => {
  const model = await loadModel(bytes, { backend: new FragileDevice() });
  const ids = await answer(model);
  await model.dispose();
  return ids;
})();

async function failure(model: Model): Promise<MilletError> {
  const error: unknown = await answer(model).catch((reason: unknown) => reason);
  if (error instanceof MilletError) return error;
  throw new Error("It did not fail.");
}

/** Old enough to have a version that is known. */
function writeOld(path: string, data: Uint8Array): string {
  writeFileSync(path, data);
  utimesSync(path, 1e9, 1e9);
  return path;
}

describe("a model can be loaded again from", () => {
  it.each<[string, () => ModelSource]>([
    ["bytes that the app keeps", () => bytes],
    ["their buffer", () => bytes.buffer],
    ["an array made for the call, over a buffer that the app keeps", () => new Uint8Array(bytes.buffer)],
    ["a File", () => new File([bytes], "tiny.gguf")],
    ["a list of files", () => ({ files: [{ name: "tiny.gguf", location: bytes }] })],
    ["a path", () => writeOld(join(folder, "tiny.gguf"), bytes)],
    ["a blob: URL", () => URL.createObjectURL(new Blob([bytes]))],
  ])("%s", async (_, source) => {
    const { model, device } = await load(source());
    expect(await answer(model)).toEqual(expected);
    expect(device.counts.create).toBe(2);
  });

  it("a Blob that the app keeps", async () => {
    const blob = new Blob([bytes]);
    for (const source of [blob, [blob]]) {
      const { model } = await load(source);
      expect(await answer(model)).toEqual(expected);
      await model.dispose();
    }
  });

  it("a URL, asked as the first time", async () => {
    await using server = await startServer({ "tiny.gguf": bytes });
    const { model } = await load(`${server.origin}/tiny.gguf`, {
      store: false,
      headers: { authorization: "Bearer 1" },
    });
    const first = server.requests.length;
    expect(await answer(model)).toEqual(expected);
    expect(server.requests.length).toBeGreaterThan(first);
    for (const { headers } of server.requests) expect(headers.authorization).toBe("Bearer 1");
  });

  it("the store, whatever the server has by now", async () => {
    await using server = await startServer({ "tiny.gguf": bytes });
    const store = createStore({ folder: join(folder, "cache") });
    const { model } = await load(`${server.origin}/tiny.gguf`, { store });
    server.etag = '"v2"';
    server.files.clear();
    server.requests.length = 0;
    expect(await answer(model)).toEqual(expected);
    expect(server.requests).toEqual([]);
    await model.dispose();
    const offline = await load(`${server.origin}/tiny.gguf`, { store, network: "none" });
    expect(offline.model.notes).toEqual([]);
    const later = await load(`${server.origin}/tiny.gguf`, { store });
    expect(later.model.notes).toEqual([expect.stringContaining("could not be asked")]);
  });
});

it("files are closed again", async () => {
  const files = process.getBuiltinModule("node:fs/promises");
  let open = 0;
  const real = files.open;
  vi.spyOn(files, "open").mockImplementation(async (...request) => {
    const handle = await real(...request);
    open++;
    const close = handle.close.bind(handle);
    handle.close = () => {
      open--;
      return close();
    };
    return handle;
  });
  const { model } = await load(writeOld(join(folder, "counted.gguf"), bytes));
  expect(open).toBe(0);
  expect(await answer(model)).toEqual(expected);
  expect([open, vi.mocked(files.open).mock.calls.length]).toEqual([0, 2]);
});

describe("an answer ends with its text and the reason if", () => {
  const changed = Uint8Array.from(bytes);
  changed[bytes.byteLength - 1]! ^= 1; // a weight
  const header = Uint8Array.from(bytes);
  header[new TextDecoder("latin1").decode(bytes).indexOf("Tiny")]! ^= 1;
  it.each([
    ["a size", Uint8Array.from([...bytes, 0])],
    ["a header", header],
    ["nothing but weights, with another time", changed],
    ["everything", new TextEncoder().encode("a web page")],
  ])("the file has changed: %s", async (what, content) => {
    const path = writeOld(join(folder, "changing.gguf"), bytes);
    if (what !== "nothing but weights, with another time")
      vi.spyOn(Date, "now").mockReturnValue(0); // no versions
    else vi.spyOn(Date, "now").mockReturnValue(Date.now() + 60_000);
    const { model, device } = await load(path);
    writeFileSync(path, content);
    const error = await failure(model);
    expect(error).toMatchObject({
      code: "BACKEND_LOST",
      message: expect.stringContaining(
        "changing.gguf is not the file any more that the model was loaded from",
      ),
      cause: { code: "SOURCE_CHANGED" },
      details: { tokenIds: expected.slice(0, 4), text: expect.any(String) },
    });
    expect(device.alive).toEqual({ backends: 0, models: 0, states: 0 });
  });

  it("the file has changed on its server, or is gone", async () => {
    await using server = await startServer({ "tiny.gguf": bytes });
    const { model } = await load(`${server.origin}/tiny.gguf`, { store: false });
    server.etag = '"v2"';
    expect(await failure(model)).toMatchObject({ code: "BACKEND_LOST", cause: { code: "SOURCE_CHANGED" } });
    server.files.clear();
    expect(await failure(model)).toMatchObject({ code: "BACKEND_LOST", cause: { code: "SOURCE_NOT_FOUND" } });
    server.files.set("tiny.gguf", bytes);
    server.etag = '"v1"';
    expect(await answer(model)).toEqual(expected); // once more as it was
  });

  it("the source was open already, and later calls get that error at once", async () => {
    const { model, device } = await load(await openSource(bytes));
    expect(await failure(model)).toMatchObject({
      code: "BACKEND_LOST",
      message: expect.stringMatching(
        /^The backend was lost and .* BACKEND_LOST, as .* an open ByteSource, which is closed/,
      ),
      details: { tokenIds: expected.slice(0, 4) },
    });
    expect(await failure(model)).toMatchObject({ code: "BACKEND_LOST", details: { tokenIds: [], text: "" } });
    expect(device.counts.create).toBe(1);
    expect(device.alive).toEqual({ backends: 0, models: 0, states: 0 });
  });

  it("an open source's model has no memory for one answer, which is not the end of the others", async () => {
    const { model, device } = await load(await openSource(bytes));
    device.fault = (event, n) => (event === "step" && n === 3 ? "OUT_OF_MEMORY" : undefined);
    expect(await failure(model)).toMatchObject({
      code: "OUT_OF_MEMORY",
      details: { tokenIds: expected.slice(0, 2) },
    });
    expect(await answer(model)).toEqual(expected);
    expect(device.counts.create).toBe(1);
  });

  it("the bytes are gone: a loaded model does not keep them", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const fleeting = async (make: (copy: Uint8Array<ArrayBuffer>) => ModelSource & object) => {
      const source = make(Uint8Array.from(bytes));
      const held = new WeakRef(source instanceof Uint8Array ? source.buffer : source);
      return { held, ...(await load(source)) };
    };
    for (const make of [
      (copy: Uint8Array<ArrayBuffer>) => copy,
      (copy: Uint8Array<ArrayBuffer>) => new Blob([copy]),
    ]) {
      const { held, model } = await fleeting(make);
      await vi.waitUntil(() => {
        collect();
        return held.deref() === undefined;
      });
      expect(await failure(model)).toMatchObject({
        code: "BACKEND_LOST",
        message: expect.stringContaining("The bytes that the model was loaded from are gone"),
        cause: { code: "SOURCE_NOT_FOUND" },
        details: { tokenIds: expected.slice(0, 4) },
      });
      await model.dispose();
    }
  });
});

afterAll(() => rmSync(folder, { recursive: true }));
