/** Models with dense layers in integers: near the float ones, taken by NNAPI save for attention, in both plans. */
import { reference } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import {
  GOLDEN_MODELS,
  goldenError,
  goldenLogits,
  LLAMA_MODELS,
} from "../../../../test/support/golden-models.js";
import { Random } from "../../../../test/support/random.js";
import { calibrate } from "../../src/calibrate/calibrate.js";
import { checkModel } from "../../src/check/check.js";
import { emitGraph } from "../../src/emit/emit.js";
import { planQuantization, QUANTIZATION_PLANS } from "../../src/emit/quantized/plan.js";
import { onnxRuntime } from "../../src/onnx.js";
import { emittedBackend } from "../support/emitted-backend.js";

const ROWS = 8;

async function opened(name: string) {
  const golden = [...LLAMA_MODELS, ...GOLDEN_MODELS].find((model) => model.name === name)!;
  const file = await openGguf(await openSource(golden.file));
  const model = await defineModel(file);
  const random = new Random(1);
  const ids = Array.from({ length: 384 }, () => Math.floor(random.next() * model.vocabularySize));
  const scales = await calibrate(model, ids, { backend: reference(), window: 32 });
  const shape = { name: "prompt", tokens: ROWS, logits: 1, sequences: 1, blocksPerSequence: 2 };
  const graph = model.step({ ...shape, outputs: ["hidden"] });
  return { golden, file, model, scales, graph };
}

// Biases, GELU, norms of heads, sandwich norms and layer norms among them.
describe.each(["head-dim", "q4-0", "smollm3", "gemma3", "gpt2", "qwen3", "stablelm"])("%s", (name) => {
  test.each(QUANTIZATION_PLANS)("plan %s: logits near the float ones", async (plan) => {
    const { golden, file, model, scales, graph } = await opened(name);
    const quantization = await planQuantization([graph], model.weights, scales, { plan });
    expect(quantization.linears.size).toBeGreaterThan(0);
    const backend = await emittedBackend({ attention: "grouped", rows: ROWS, quantization });
    const rows = await goldenLogits(backend, file, golden, ROWS);
    await file.close();
    const error = goldenError(golden, rows);
    expect(error).toBeLessThan(0.02);
    expect(error).toBeGreaterThan(1e-7); // it is in integers indeed
  });
});

describe("what NNAPI is expected to take", () => {
  test("plan fused: all but attention and its reshapes, in layers + 1 parts", async () => {
    const { file, model, scales, graph } = await opened("head-dim");
    const quantization = await planQuantization([graph], model.weights, scales, { plan: "fused" });
    const options = { accuracyLevel: 0, attention: "grouped", rows: ROWS, quantization } as const;
    const emitted = emitGraph(graph, model.weights, options);
    await file.close();
    const report = checkModel(emitted.model, { apiLevel: 29 });
    const left = report.nodes.filter(({ supported }) => !supported).map(({ opType }) => opType);
    const others = left.filter((opType) => opType !== "GroupQueryAttention");
    // Gather takes rows whose number is the call's: it and the final norm stand behind all layers.
    const layers = report.nodes.slice(
      0,
      report.nodes.findIndex(({ opType }) => opType === "Gather"),
    );
    expect(layers.filter(({ supported }) => !supported).map(({ opType }) => opType)).toEqual(
      Array.from({ length: model.kv.layers }, () => "GroupQueryAttention"),
    );
    expect(others.length).toBeLessThanOrEqual(report.nodes.length - layers.length);
    expect(report.partitions).toHaveLength(model.kv.layers + 1);
  });

  test("plan safe: norms are the CPU's", async () => {
    const { file, model, scales, graph } = await opened("head-dim");
    const quantization = await planQuantization([graph], model.weights, scales, { plan: "safe" });
    const { nodes } = emitGraph(graph, model.weights, { accuracyLevel: 0, rows: ROWS, quantization }).model
      .graph;
    await file.close();
    const count = (op: string) => nodes.filter(({ opType }) => opType === op).length;
    expect(count("SimplifiedLayerNormalization")).toBe(2 * model.kv.layers + 1);
    expect(count("ReduceMean")).toBe(0);
    expect(count("QLinearMatMul")).toBeGreaterThanOrEqual(6 * model.kv.layers);
  });
});

test("scales of another model are refused", async () => {
  const { file, model, scales, graph } = await opened("head-dim");
  const other = { ...scales, model: "0123456789abcdef" };
  await expect(planQuantization([graph], model.weights, other)).rejects.toMatchObject({
    code: "CALIBRATION_MISMATCH",
  });
  const [first] = Object.keys(scales.linears);
  const swapped = { ...scales.linears, [first!]: scales.linears["blk.0.ffn_down.weight"]! };
  await expect(
    planQuantization([graph], model.weights, { ...scales, linears: swapped }),
  ).rejects.toMatchObject({ code: "CALIBRATION_MISMATCH" });
  const backend = await onnxRuntime({ ort, calibration: other }).create();
  await expect(goldenLogits(backend, file, (await opened("head-dim")).golden)).rejects.toMatchObject({
    code: "CALIBRATION_MISMATCH",
  });
  await file.close();
});
