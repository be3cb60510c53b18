/**
 * Products of rows that give logits: they know their inputs to 15 bits, where others round them to 8, on every type and
 * engine, with the same bits whatever the number of threads and rows.
 */
import type { BackendFactory, KvPlan } from "@millet/core/backend";
import { GraphBuilder, type RowAxis } from "@millet/core/graph";
import { gatherRows, linear } from "@millet/core/ops";
import { dequantize, quantize } from "@millet/core/quant";
import { DTYPES, type DType, tensorOf, viewAs, type WeightSource } from "@millet/core/tensor";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../test/support/availability.js";
import { Random } from "../../../test/support/random.js";
import { cpu } from "../src/index.js";
import { WEIGHT_TYPES } from "../src/pack/packed-type.js";
import { nativeEngine, nativeLevels } from "./native/requirement.js";

const [ROWS, OUTPUTS, INPUTS] = [9, 37, 512];
const NO_CACHE: KvPlan = {
  ...{ layers: 0, kvHeads: 1, headDim: 1, valueDim: 1, blockRows: 32, maxBlocks: 0 },
  dtype: "f32",
};
const TYPES = [...WEIGHT_TYPES.wasm].filter((dtype) => DTYPES[dtype].quantized);

const random = new Random(5);
/** One input in 32 is much larger than its neighbours, as in the activations of a language model. */
const X = random.normals(ROWS * INPUTS).map((x, i) => (i % 32 === 7 ? 20 * x : x));
const BIAS = random.normals(OUTPUTS);

function weightOf(dtype: DType): Uint8Array {
  return quantize(dtype, new Random(3).normals(OUTPUTS * INPUTS, 0.05));
}

function source(dtype: DType, shape: readonly number[], bytes: Uint8Array): WeightSource {
  const readInto: WeightSource["readInto"] = async (offset, target) =>
    target.set(bytes.subarray(offset, offset + target.byteLength));
  return { spec: { dtype, shape }, readInto };
}

/** x W^T + b of each number of rows. */
async function products(factory: BackendFactory, dtype: DType, axis: RowAxis, calls: readonly number[]) {
  const builder = new GraphBuilder("fine");
  const x = builder.input("x", { dtype: "f32", shape: [ROWS, INPUTS] }, "tokens");
  const rows = builder.input("rows", { dtype: "i32", shape: [ROWS] }, "logits");
  const chosen = axis === "logits" ? builder.emitOne(gatherRows, [x, rows], {}) : x;
  const weight = builder.weight("w", { dtype, shape: [OUTPUTS, INPUTS] });
  const bias = builder.weight("b", { dtype: "f32", shape: [OUTPUTS] });
  const y = builder.emitOne(linear, [chosen, weight, bias], {});
  const graph = builder.finish({ logits: y });
  const weights = new Map([
    ["w", source(dtype, [OUTPUTS, INPUTS], weightOf(dtype))],
    ["b", source("f32", [OUTPUTS], new Uint8Array(BIAS.buffer))],
  ]);
  const backend = await factory.create();
  const model = await backend.load({ fine: graph }, weights, NO_CACHE);
  const results: Float32Array[] = [];
  for (const count of calls) {
    const indices = Int32Array.from({ length: count }, (_, i) => i);
    const inputs = { x: tensorOf("f32", [ROWS, INPUTS], X), rows: tensorOf("i32", [count], indices) };
    const out = await model.executables.fine!.run({ inputs }).logits!.read();
    results.push(viewAs(out, "f32").slice());
  }
  await model.dispose();
  await backend.dispose();
  return results;
}

/** Mean squared error against float64, by the mean square. */
function errorOf(y: Float32Array, dtype: DType): number {
  const w = dequantize(dtype, weightOf(dtype));
  let [error, power] = [0, 0];
  y.forEach((value, i) => {
    const [row, n] = [Math.floor(i / OUTPUTS), i % OUTPUTS];
    let exact = BIAS[n]!;
    for (let k = 0; k < INPUTS; k++) exact += X[row * INPUTS + k]! * w[n * INPUTS + k]!;
    error += (value - exact) ** 2;
    power += exact ** 2;
  });
  return error / power;
}

describe.each(TYPES)("%s", (dtype) => {
  const base = products(cpu({ engine: "wasm", threads: 1 }), dtype, "logits", [ROWS]);

  test("rows that give logits are far more exact than others", async () => {
    const [fine] = await base;
    const [coarse] = await products(cpu({ engine: "wasm", threads: 1 }), dtype, "tokens", [ROWS]);
    expect(errorOf(fine!, dtype)).toBeLessThan(1e-8);
    expect(errorOf(coarse!, dtype)).toBeGreaterThan(1e-5);
  });

  test("the same bits for any threads and rows, and without relaxed SIMD", async () => {
    const [all] = await base;
    for (const options of [{ threads: 3 }, { threads: 2, simd: "plain" }] as const) {
      const counts = [1, 2, 3, 4, 7, ROWS];
      const results = await products(cpu({ engine: "wasm", ...options }), dtype, "logits", counts);
      results.forEach((y, i) => expect(y).toEqual(all!.slice(0, counts[i]! * OUTPUTS)));
    }
  });

  describeWith(nativeEngine(), "native", () => {
    test("the same bits on every instruction set", async () => {
      const [all] = await base;
      for (const isa of nativeLevels()) {
        const counts = [1, 2, 5, ROWS];
        const results = await products(cpu({ engine: "native", isa, threads: 2 }), dtype, "logits", counts);
        results.forEach((y, i) => expect(y).toEqual(all!.slice(0, counts[i]! * OUTPUTS)));
      }
    });
  });
});
