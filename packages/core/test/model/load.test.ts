import { describe, expect, it } from "vitest";
import type { Backend, BackendFactory } from "../../src/backend/index.js";
import { isMilletError, type LoadModelProgress, loadModel, MilletError, reference } from "../../src/index.js";
import { openSource } from "../../src/store/index.js";
import { wrap } from "../gguf/make.js";
import { tinyModel } from "./tiny-model.js";

const bytes = await tinyModel();

/** The reference backend, with parts replaced and a note of what was disposed of. */
function backend(name: string, changes: (backend: Backend) => Partial<Backend> = () => ({})) {
  const log: string[] = [];
  const kvDTypes: string[] = [];
  const factory: BackendFactory = {
    name,
    async create(options) {
      const inner = await reference().create(options);
      log.push("create");
      const outer: Backend = {
        name,
        capabilities: inner.capabilities,
        lost: inner.lost,
        supports: (node) => inner.supports(node),
        estimate: (...plan) => inner.estimate(...plan),
        async load(...request) {
          const model = await inner.load(...request);
          log.push("load");
          kvDTypes.push(request[2].dtype);
          return {
            ...model,
            async dispose() {
              log.push("dispose model");
              await model.dispose();
            },
          };
        },
        async dispose() {
          log.push("dispose");
          await inner.dispose();
        },
      };
      return { ...outer, ...changes(outer) };
    },
  };
  return { factory, log, kvDTypes };
}

const fails = (code: MilletError["code"]) => async () => {
  throw new MilletError(code, "As the test wants it.");
};
const unavailable: BackendFactory = { name: "absent", create: fails("BACKEND_UNAVAILABLE") };

describe("loadModel", () => {
  it("tells about the model and the backend", async () => {
    const model = await loadModel(bytes, { backend: reference() });
    expect(model.info).toEqual({
      name: "Tiny",
      architecture: "llama",
      parameterCount: 258 * 16 + 3 * 16 + 2 * 256 + 2 * 128 + 3 * 24 * 16,
      fileBytes: bytes.byteLength,
      weightBytes: model.info.parameterCount * 4,
      quantization: "f32 100.0%",
      trainedContextLength: 256,
      vocabularySize: 258,
      canGenerate: true,
      embedding: { dimensions: 16, pooling: "last" },
    });
    expect(model.backend).toMatchObject({
      name: "reference",
      rejected: [],
      weightBytes: model.info.weightBytes,
    });
    expect(model.contextLength).toBe(256);
    expect(model.loadMs).toBeGreaterThan(0);
    await model.dispose();
  });

  it("reports progress by phases, up to all bytes", async () => {
    const seen: LoadModelProgress[] = [];
    const model = await loadModel(bytes, {
      backend: reference(),
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen[0]).toEqual({ phase: "open", loadedBytes: 0, totalBytes: 0 });
    expect(seen.at(-1)).toMatchObject({ phase: "ready", loadedBytes: model.info.weightBytes });
    expect(seen.at(-1)!.totalBytes).toBe(model.info.weightBytes);
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(["open", "weights", "ready"]));
    await model.dispose();
  });

  it("takes the first backend that serves, and tells why the others do not", async () => {
    const full = backend("full", () => ({ load: fails("OUT_OF_MEMORY") }));
    const lacking = backend("lacking", () => ({ supports: ({ op }) => op !== "linear" }));
    const buggy = backend("buggy", () => ({
      load: async () => {
        throw new TypeError("x is not a function");
      },
    }));
    const good = backend("good");
    const spare = backend("spare");
    const list = [unavailable, full.factory, lacking.factory, buggy.factory, good.factory, spare.factory];
    const model = await loadModel(bytes, { backend: list });
    expect(model.backend.name).toBe("good");
    expect(model.backend.rejected.map(({ name, error }) => [name, error.code])).toEqual([
      ["absent", "BACKEND_UNAVAILABLE"],
      ["full", "OUT_OF_MEMORY"],
      ["lacking", "GRAPH_UNSUPPORTED_OP"],
      ["buggy", "BACKEND_FAILED"],
    ]);
    for (const { log } of [full, lacking, buggy]) expect(log).toEqual(["create", "dispose"]);
    expect(spare.log).toEqual([]);
    await model.dispose();
    expect(good.log).toEqual(["create", "load", "dispose model", "dispose"]);
  });

  it("keeps the KV cache as asked, where the backend can", async () => {
    const plain = backend("plain", ({ capabilities }) => ({
      capabilities: { ...capabilities, kvDTypes: ["f32"] },
    }));
    await expect(loadModel(bytes, { backend: plain.factory, kvDType: "q8_0" })).rejects.toMatchObject({
      code: "KV_DTYPE_UNSUPPORTED",
      message: expect.stringContaining("plain keeps the KV cache as f32, not as q8_0"),
      details: { backend: "plain", kvDType: "q8_0", kvDTypes: ["f32"] },
    });
    expect(plain.log).toEqual(["create", "dispose"]);
    const model = await loadModel(bytes, { backend: [plain.factory, reference()], kvDType: "f16" });
    expect(model.backend.rejected.map(({ error }) => error.code)).toEqual(["KV_DTYPE_UNSUPPORTED"]);
    await model.dispose();
    const usual = await loadModel(bytes, { backend: plain.factory });
    await usual.dispose();
    const half = backend("half", ({ capabilities }) => ({
      capabilities: { ...capabilities, kvDTypes: ["q8_0", "f16", "f32"] },
    }));
    await (await loadModel(bytes, { backend: half.factory })).dispose();
    expect([plain, half].map(({ kvDTypes }) => kvDTypes)).toEqual([["f32"], ["f16"]]);
    const wrong = loadModel(bytes, { backend: reference(), kvDType: JSON.parse('"q4_0"') });
    await expect(wrong).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: 'Option kvDType is one of f32, f16, q8_0, not "q4_0".',
    });
  });

  it("decomposes what a backend does not support as it is", async () => {
    const plain = backend("plain", () => ({ supports: ({ op }) => op !== "swiglu" }));
    const options = { maxTokens: 8, temperature: 0 };
    const models = await Promise.all(
      [plain.factory, reference()].map((one) => loadModel(bytes, { backend: one })),
    );
    const [a, b] = await Promise.all(models.map((model) => model.generate("ab", options).result));
    expect(a!.tokenIds).toEqual(b!.tokenIds);
    for (const model of models) await model.dispose();
  });

  it("passes a single backend's error on, and sums up several", async () => {
    await expect(loadModel(bytes, { backend: unavailable })).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      message: "As the test wants it.",
    });
    const full = backend("full", () => ({ load: fails("OUT_OF_MEMORY") }));
    await expect(loadModel(bytes, { backend: [unavailable, full.factory] })).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      message: expect.stringMatching(/absent: .* full: /),
    });
  });

  it("plans the cache by the backend's memory, and passes over one that is too small", async () => {
    const kvBytesPerToken = 2 * 2 * 4 * 4; // K and V, 2 heads of 4, float32
    const weights = (await loadModel(bytes, { backend: reference() })).info.weightBytes;
    const limited = (memoryLimitBytes: number) =>
      backend("limited", ({ capabilities }) => ({ capabilities: { ...capabilities, memoryLimitBytes } }))
        .factory;
    const roomy = await loadModel(bytes, { backend: limited(weights + kvBytesPerToken * 600) });
    expect(roomy.backend.estimate.kvBytes).toBe(kvBytesPerToken * 576); // whole blocks of 32, less than 4 x 256
    await roomy.dispose();
    const tight = loadModel(bytes, { backend: limited(weights + kvBytesPerToken * 200) });
    await expect(tight).rejects.toMatchObject({
      code: "MODEL_TOO_LARGE",
      message: expect.stringContaining("contextLength"),
    });
    const smaller = await loadModel(bytes, {
      backend: limited(weights + kvBytesPerToken * 200),
      contextLength: 128,
    });
    expect(smaller.contextLength).toBe(128);
    await smaller.dispose();
  });

  it("throws what is wrong with the file at once, and leaves nothing behind", async () => {
    const first = backend("first");
    const truncated = bytes.slice(0, bytes.length - 100);
    await expect(loadModel(truncated, { backend: [first.factory, unavailable] })).rejects.toSatisfy(
      isMilletError,
    );
    const missing = await tinyModel({ without: ["blk.0.ffn_up.weight"] });
    await expect(loadModel(missing, { backend: [first.factory] })).rejects.toMatchObject({
      code: "MODEL_TENSOR_MISSING",
    });
    expect(first.log).toEqual([]);
  });

  it("closes the source, whether it succeeds or fails", async () => {
    for (const data of [bytes, bytes.slice(0, 1000)]) {
      const source = await openSource(data);
      let closed = 0;
      const watched = wrap(source, { close: async () => void closed++ });
      await loadModel(watched, { backend: reference() }).then(
        (model) => model.dispose(),
        (error: unknown) => expect(isMilletError(error)).toBe(true),
      );
      expect(closed).toBeGreaterThan(0);
    }
  });

  it("stops at once when aborted, at any point, and leaves nothing behind", async () => {
    await expect(
      loadModel(bytes, { backend: reference(), signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({
      code: "ABORTED",
    });
    for (const phase of ["open", "weights"] as const) {
      const abort = new AbortController();
      const { factory, log } = backend("watched");
      const spare = backend("spare");
      const loading = loadModel(bytes, {
        backend: [factory, spare.factory],
        signal: abort.signal,
        onProgress: (progress) => progress.phase === phase && abort.abort(),
      });
      await expect(loading).rejects.toMatchObject({ code: "ABORTED" });
      expect(log).toEqual(phase === "open" ? [] : ["create", "dispose"]);
      expect(spare.log).toEqual([]);
    }
  });

  it.each([
    { contextLength: 1 },
    { contextLength: 257 },
    { maxSequences: 0 },
    { promptChunkTokens: 0 },
    { kvCapacityTokens: 100 },
    { generation: { topP: 2 } },
  ])("refuses %o before it makes a backend", async (options) => {
    const { factory, log } = backend("unused");
    await expect(loadModel(bytes, { backend: factory, ...options })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(log).toEqual([]);
  });

  it("refuses to go without a backend", async () => {
    await expect(loadModel(bytes, { backend: [] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("weights and tokenizer, loaded side by side", () => {
  const untokenized = tinyModel({ metadata: { "tokenizer.ggml.model": { type: "string", value: "runes" } } });

  it("a tokenizer that cannot be built stops the loading of weights", async () => {
    const { factory, log } = backend("slow", () => ({
      load: (_graphs, _weights, _kv, options) =>
        new Promise((_, reject) => {
          options?.onProgress?.({ loadedBytes: 1, totalBytes: 2 });
          // Never ends by itself.
          options!.signal!.addEventListener("abort", () => reject(new MilletError("ABORTED", "stopped")));
        }),
    }));
    const loading = loadModel(await untokenized, { backend: factory });
    await expect(loading).rejects.toMatchObject({ code: "TOKENIZER_UNSUPPORTED" });
    expect(log).toEqual(["create", "dispose"]);
  });

  it("what was loaded before the tokenizer failed is disposed of", async () => {
    // Tells nothing while it loads, so that the tokenizer waits until it has.
    const { factory, log } = backend("silent", (inner) => ({
      load: (graphs, weights, kv) => inner.load(graphs, weights, kv),
    }));
    const loading = loadModel(await untokenized, { backend: factory });
    await expect(loading).rejects.toMatchObject({ code: "TOKENIZER_UNSUPPORTED" });
    expect(log).toEqual(["create", "load", "dispose model", "dispose"]);
  });

  it("the caller's signal ends both", async () => {
    const stop = new AbortController();
    const { factory, log } = backend("stopped", () => ({
      load: (_graphs, _weights, _kv, options) =>
        new Promise((_, reject) => {
          options!.signal!.addEventListener("abort", () => reject(new MilletError("ABORTED", "stopped")));
          stop.abort();
        }),
    }));
    const loading = loadModel(bytes, { backend: factory, signal: stop.signal });
    await expect(loading).rejects.toMatchObject({ code: "ABORTED" });
    expect(log).toEqual(["create", "dispose"]);
  });
});
