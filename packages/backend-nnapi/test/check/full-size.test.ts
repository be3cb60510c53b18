/**
 * Models of full size in 8 bits, by their shapes alone: into how many partitions NNAPI's provider would cut them, and the files
 * that they become. No weight is read, and none is in memory.
 */
import type { Graph } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";
import type { WeightSource } from "@millet/core/tensor";
import { describe, expect, test } from "vitest";
import { checkModel } from "../../src/check/check.js";
import { emitGraph } from "../../src/emit/emit.js";
import type { QuantizationPlan, QuantizationPlanName } from "../../src/emit/quantized/plan.js";
import { before, layerCount, layerCuts } from "../../src/nnapi/layers.js";
import type { OnnxModel } from "../../src/onnx/model.js";
import { MOST_ONNX_BYTES, writeOnnx } from "../../src/onnx/write.js";
import { planShards } from "../../src/shards/plan.js";
import { fullSize } from "../support/full-size.js";

const CHUNK = 128;
const SHARD_BYTES = 256 * 2 ** 20;
const LEVEL = { scale: 1 / 128, zeroPoint: 128 };

/** Scales that any calibration might have found: partitions and sizes do not depend on them. */
function anyQuantization(graph: Graph, name: QuantizationPlanName): QuantizationPlan {
  const linears = graph.nodes.map(asOpNode).flatMap(({ op, inputs }) => {
    if (op !== "linear") return [];
    const { name: weight, spec } = inputs[1]!;
    const [rows, columns] = spec.shape as readonly [number, number];
    const ones = (length: number) => new Float32Array(length).fill(1);
    const scales = { divisors: ones(columns), factors: ones(rows), weightScale: 1 };
    return [[weight, { ...scales, levels: [{ input: LEVEL, output: LEVEL }], massive: [] }] as const];
  });
  return { name, linears: new Map(linears), floats: new Set() };
}

/** The layers' prompt step: what an accelerator gets. */
async function emitted(shape: string, plan: QuantizationPlanName) {
  const { prompt } = await fullSize(shape, 4096);
  const body = before(prompt, layerCuts(prompt).at(-1)!);
  const weights = new Map(
    Object.values(body.weights).map(({ name, spec }): [string, WeightSource] => [
      name,
      { spec, readInto: () => Promise.reject(new Error(`${name} was read`)) },
    ]),
  );
  const { model, notes } = emitGraph(body, weights, {
    accuracyLevel: 4,
    rows: CHUNK,
    attention: "grouped",
    quantization: anyQuantization(body, plan),
  });
  return { model, notes, layers: layerCount(body) };
}

const onCpu = (model: OnnxModel) =>
  new Set(checkModel(model).nodes.flatMap(({ supported, opType }) => (supported ? [] : opType)));

describe.each([
  { shape: "milm-1.3b", layers: 24, gigabytes: 1.2 },
  { shape: "milm-6b", layers: 30, gigabytes: 6 },
])("$shape", ({ shape, layers, gigabytes }) => {
  test("plan fused: attention alone stays on the CPU, layers + 1 partitions, whole and in shards", async () => {
    const { model, notes, layers: found } = await emitted(shape, "fused");
    expect({ found, notes }).toEqual({ found: layers, notes: [] });
    expect(onCpu(model)).toEqual(new Set(["GroupQueryAttention"]));
    expect(checkModel(model).partitions).toHaveLength(layers + 1);

    const [shards = []] = planShards([model], SHARD_BYTES);
    const sizes = shards.map((shard) => writeOnnx(shard).byteLength);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(SHARD_BYTES);
    expect(SHARD_BYTES).toBeLessThan(MOST_ONNX_BYTES);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total / 1e9).toBeGreaterThan(gigabytes - 0.3);
    expect(total / 1e9).toBeLessThan(gigabytes + 0.5);
    expect(shards.length).toBeGreaterThanOrEqual(Math.ceil(total / SHARD_BYTES));
    for (const { graph } of shards.slice(1)) expect(graph.nodes[0]?.opType).toBe("GroupQueryAttention");
    expect(shards.flatMap((shard) => checkModel(shard).partitions)).toHaveLength(layers + 1);
    expect(shards.flatMap((shard) => checkModel(shard).problems)).toEqual([]);
    for (const { name, data } of shards.flatMap(({ graph }) => graph.initializers)) {
      expect(data, name).not.toBe("external");
    }
  });

  test("plan safe: products go to NNAPI, and many more partitions with them", async () => {
    const { model } = await emitted(shape, "safe");
    const report = checkModel(model);
    const products = report.nodes.filter(({ opType }) => opType === "QLinearMatMul");
    expect(products).toHaveLength(7 * layers);
    expect(products.every(({ supported }) => supported)).toBe(true);
    expect(report.partitions.length).toBeGreaterThan(layers + 1);
  });
});
