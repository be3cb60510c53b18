/** canRun: what it reads, what it measures, and what it answers for each backend. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { GOLDEN_ENCODERS } from "../../../../test/support/golden-encoders.js";
import { GOLDEN_MODELS } from "../../../../test/support/golden-models.js";
import type { Backend, BackendFactory, Call } from "../../src/backend/backend.js";
import { kvPlanFor, supportedGraphs } from "../../src/backend/serve.js";
import { MilletError } from "../../src/errors.js";
import { openGguf } from "../../src/formats/gguf/index.js";
import { openContainer } from "../../src/formats/index.js";
import { type BackendPrediction, canRun, loadModel, reference } from "../../src/index.js";
import { modelShape } from "../../src/model/shape.js";
import { defineModel } from "../../src/models/index.js";
import { scaledFiles, wholeModel } from "../../src/predict/scale-model.js";
import { syntheticWeight } from "../../src/predict/synthetic-weights.js";
import { dequantize, QUANT_FORMATS, type QuantDType } from "../../src/quant/index.js";
import { openSource } from "../../src/store/index.js";
import { tinyModel } from "../model/tiny-model.js";

const SHORT = { promptTokens: 8, generatedTokens: 4 } as const;
const fixtures = fileURLToPath(new URL("../../../../fixtures/llama/", import.meta.url));

/** The reference backend, changed in some respects. */
function changed(changes: (backend: Backend) => Partial<Backend>): BackendFactory & { disposed: number } {
  const factory = {
    name: "changed",
    disposed: 0,
    async create(): Promise<Backend> {
      const inner = await reference().create();
      const plain: Backend = {
        name: "changed",
        capabilities: inner.capabilities,
        lost: inner.lost,
        supports: inner.supports.bind(inner),
        estimate: inner.estimate.bind(inner),
        load: inner.load.bind(inner),
        async dispose() {
          factory.disposed++;
          await inner.dispose();
        },
      };
      return { ...plain, ...changes(plain) };
    },
  };
  return factory;
}

describe("canRun", () => {
  test("predicts what loading then needs, and measures speeds", async () => {
    const bytes = await tinyModel();
    const factory = changed(() => ({}));
    const report = await canRun(bytes, { backend: factory, ...SHORT });
    const model = await loadModel(bytes, { backend: reference() });
    expect(report.info).toEqual(model.info);
    const [prediction] = report.backends;
    const { estimate } = model.backend;
    expect(prediction!.memory).toMatchObject({
      weightBytes: estimate.weightBytes,
      scratchBytes: estimate.scratchBytes,
      kvBytes: (estimate.kvBytes * 1 * 32) / (4 * model.contextLength),
      fullKvBytes: estimate.kvBytes / 4,
    });
    expect(prediction!.verdict).toBe("runs well");
    for (const speed of [
      prediction!.decodeTokensPerSecond!,
      prediction!.prefillTokensPerSecond!,
      prediction!.loadMs!,
    ]) {
      expect(speed.value).toBeGreaterThan(0);
      expect(speed.low).toBeLessThan(speed.value);
      expect(speed.high).toBeGreaterThan(speed.value);
      expect(Number.isFinite(speed.high)).toBe(true);
    }
    expect(factory.disposed).toBe(1);
    await model.dispose();
  });

  test("spends few steps on a device where each takes seconds, and short ones", async () => {
    let clock = 0;
    vi.spyOn(performance, "now").mockImplementation(() => clock);
    const tokens: number[] = [];
    const slow = changed((inner) => ({
      async load(...args) {
        const model = await inner.load(...args);
        const executables = Object.entries(model.executables).map(([name, executable]) => {
          const run = (call: Call) => {
            const rows = call.inputs.tokens!.spec.shape[0]!;
            tokens.push(rows);
            clock += 2500 * rows;
            return executable.run(call);
          };
          return [name, { graph: executable.graph, run, toString: () => name }];
        });
        return {
          byteLength: model.byteLength,
          executables: Object.fromEntries(executables),
          createState: () => model.createState(),
          dispose: () => model.dispose(),
        };
      },
    }));
    try {
      const report = await canRun(await tinyModel(), { backend: slow, promptTokens: 24, generatedTokens: 4 });
      const [{ verdict, decodeTokensPerSecond, prefillTokensPerSecond }] = report.backends as [
        BackendPrediction,
      ];
      expect(tokens).toEqual([8, 1, 1, 1, 8]); // both warm up; a step with and without logits; a chunk
      expect(verdict).toBe("slow");
      expect(decodeTokensPerSecond!.value).toBeCloseTo(0.4, 5);
      expect(prefillTokensPerSecond!.value).toBeCloseTo(0.4, 5);
    } finally {
      vi.restoreAllMocks();
    }
  });

  test("asks a server for the header, once", async () => {
    const bytes = await tinyModel();
    const ranges: (string | null)[] = [];
    const serve = async (_: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      const range = new Headers(init?.headers).get("range");
      ranges.push(range);
      const [start, end] = /bytes=(\d+)-(\d+)/.exec(range!)!.slice(1).map(Number) as [number, number];
      const body = bytes.slice(start, end + 1);
      const headers = {
        "content-range": `bytes ${start}-${start + body.length - 1}/${bytes.length}`,
        etag: '"1"',
      };
      return new Response(body, { status: 206, headers });
    };
    const { backends } = await canRun("http://127.0.0.1/model.gguf", {
      backend: reference(),
      fetch: serve,
      ...SHORT,
    });
    expect(backends[0]!.verdict).toBe("runs well");
    expect(ranges.length).toBe(1);
  });

  test("answers for each backend, whatever is wrong with one", async () => {
    const bytes = await tinyModel();
    const error = new MilletError("BACKEND_UNAVAILABLE", "There is no GPU.");
    const missing = { name: "missing", create: () => Promise.reject(error) };
    const small = changed(({ capabilities }) => ({
      capabilities: { ...capabilities, memoryLimitBytes: 1000 },
    }));
    const broken = changed(() => ({ load: () => Promise.reject(new MilletError("BACKEND_FAILED", "No.")) }));
    const lacking = changed(({ capabilities }) => ({
      capabilities: { ...capabilities, kvDTypes: ["q8_0"] },
    }));
    const { backends } = await canRun(bytes, {
      backend: [missing, small, broken, lacking, reference()],
      ...SHORT,
    });
    expect(backends.map(({ verdict, error }) => [verdict, error?.code])).toEqual([
      ["unavailable", "BACKEND_UNAVAILABLE"],
      ["does not fit", undefined],
      ["unavailable", "BACKEND_FAILED"],
      ["unavailable", "KV_DTYPE_UNSUPPORTED"],
      ["runs well", undefined],
    ]);
    expect(backends[0]!.reason).toBe("There is no GPU.");
    expect(backends[1]!.decodeTokensPerSecond).toBeUndefined();
    expect([small.disposed, broken.disposed, lacking.disposed]).toEqual([1, 1, 1]);
  });

  test("counts conversations and memory that the caller names, and measures nothing where that is asked", async () => {
    const bytes = await tinyModel();
    const ask = async (options: object) =>
      (await canRun(bytes, { backend: reference(), measure: false, ...SHORT, ...options })).backends[0]!;
    const one = await ask({});
    expect(one).toMatchObject({ verdict: "runs well", reason: expect.stringContaining("not measured") });
    expect(one.measuredMs).toBeUndefined();
    expect((await ask({ conversations: 3 })).memory!.kvBytes).toBe(3 * one.memory!.kvBytes);
    expect((await ask({ memoryBytes: 1e6 })).verdict).toBe("does not fit");
    expect((await ask({ memoryBytes: 1e9 })).verdict).toBe("runs well");
  });

  test("fails as loading does where the model is wrong, and where it is told to stop", async () => {
    const backend = reference();
    const code = (expected: string) => expect.objectContaining({ code: expected });
    await expect(canRun(new Uint8Array(100), { backend })).rejects.toEqual(code("GGUF_BAD_MAGIC"));
    const other = await tinyModel({
      metadata: { "general.architecture": { type: "string", value: "no-such" } },
    });
    await expect(canRun(other, { backend })).rejects.toEqual(code("MODEL_UNKNOWN_ARCHITECTURE"));
    await expect(canRun(await tinyModel({ without: ["output_norm.weight"] }), { backend })).rejects.toEqual(
      code("MODEL_TENSOR_MISSING"),
    );
    const bytes = await tinyModel();
    await expect(canRun(bytes, { backend: [] })).rejects.toEqual(code("INVALID_ARGUMENT"));
    await expect(canRun(bytes, { backend, promptTokens: 1e6 })).rejects.toEqual(code("INVALID_ARGUMENT"));
    await expect(canRun(bytes, { backend, signal: AbortSignal.abort() })).rejects.toEqual(code("ABORTED"));
    const stop = new AbortController();
    const aborting = changed((inner) => ({
      async load(...args) {
        const model = await inner.load(...args);
        stop.abort();
        return model;
      },
    }));
    await expect(canRun(bytes, { backend: aborting, signal: stop.signal, ...SHORT })).rejects.toEqual(
      code("ABORTED"),
    );
    expect(aborting.disposed).toBe(1);
  });
});

describe("a scaled model", () => {
  test.each(["model.gguf", "config.json"])("of every architecture, from %s", async (first) => {
    const encoders = first === "model.gguf" ? GOLDEN_ENCODERS : [];
    for (const { name, folder } of [...GOLDEN_MODELS, ...encoders]) {
      const file = await openContainer(await openSource(new URL(first, folder)), { quantize: "none" });
      const whole = wholeModel(file);
      const options = { backend: reference(), contextLength: 32 };
      const real = modelShape(await defineModel(file), options);
      const made = modelShape(await defineModel(scaledFiles(file, whole, whole)), options);
      const backend = await reference().create();
      const bytes = (shape: typeof real) =>
        backend.estimate(supportedGraphs(shape.graphs, backend), kvPlanFor(backend, shape.kv));
      expect(bytes(made), name).toEqual(bytes(real));
      const small = await defineModel(scaledFiles(file, whole, { layers: 1, vocabulary: 32 }));
      expect([small.vocabularySize, small.kv.layers], name).toEqual([32, 1]);
      expect(modelShape(small, options).graphs.length, name).toBe(real.graphs.length);
      await file.close();
    }
  });

  test.each(readdirSync(fixtures).filter((name) => name.endsWith(".gguf")))(
    "%s can have one layer and fewer tokens",
    async (name) => {
      const file = await openGguf(await openSource(new Uint8Array(readFileSync(fixtures + name))));
      const whole = wholeModel(file);
      const small = await defineModel(scaledFiles(file, whole, { layers: 1, vocabulary: 32 }));
      expect([small.vocabularySize, small.kv.layers]).toEqual([32, 1]);
      const same = await defineModel(scaledFiles(file, whole, whole));
      const real = await defineModel(file);
      const shape = { name: "step", tokens: 4, logits: 1, sequences: 1, blocksPerSequence: 2 };
      expect(String(same.step(shape)).replace(/rope[^\n]*/g, "")).toBe(
        String(real.step(shape)).replace(/rope[^\n]*/g, ""),
      );
    },
  );

  test.each(["f32", ...Object.keys(QUANT_FORMATS)] as ("f32" | QuantDType)[])(
    "weights of %s are numbers, the same in pieces",
    async (dtype) => {
      const weight = syntheticWeight({ dtype, shape: [300, 256] });
      const { blockElements, blockBytes } = { f32: { blockElements: 1, blockBytes: 4 }, ...QUANT_FORMATS }[
        dtype
      ] as {
        blockElements: number;
        blockBytes: number;
      };
      const bytes = new Uint8Array(((300 * 256) / blockElements) * blockBytes);
      await weight.readInto(0, bytes);
      const values = dequantize(dtype, bytes);
      expect(values.every((value) => Number.isFinite(value) && Math.abs(value) < 0.2)).toBe(true);
      const size = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
      expect(size).toBeGreaterThan(0.02);
      const part = new Uint8Array(1001);
      await weight.readInto(777, part);
      expect(part).toEqual(bytes.slice(777, 777 + 1001));
    },
  );
});
