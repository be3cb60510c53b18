/**
 * Emitted layers on onnxruntime-node against exact integers: what is quantized rounds half to even, products are summed in
 * integers, and the result is within one step (1 LSB) of the output's scale.
 */
import { GraphBuilder } from "@millet/core/graph";
import { linear } from "@millet/core/ops";
import { tensorOf, type WeightSource, type WeightSources } from "@millet/core/tensor";
import ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { Random } from "../../../../test/support/random.js";
import { checkModel } from "../../src/check/check.js";
import { emitGraph } from "../../src/emit/emit.js";
import type { Level } from "../../src/emit/quantized/levels.js";
import { type Quantization, quantizationOf } from "../../src/emit/quantized/parameters.js";
import type { QuantizedLinear } from "../../src/emit/quantized/plan.js";
import { writeOnnx } from "../../src/onnx/write.js";

const NAME = "w";

function sourceOf(rows: number, columns: number, values: Float32Array<ArrayBuffer>): WeightSource {
  const bytes = new Uint8Array(values.buffer);
  const { spec } = tensorOf("f32", [rows, columns], values);
  return {
    spec,
    readInto: async (offset, target) => target.set(bytes.subarray(offset, offset + target.byteLength)),
  };
}

interface Case {
  readonly rows: number;
  readonly inner: number;
  readonly outer: number;
  readonly x: Float32Array<ArrayBuffer>;
  readonly w: Float32Array<ArrayBuffer>;
  readonly planned: QuantizedLinear;
}

async function run({ rows, inner, outer, x, w, planned }: Case): Promise<Float32Array> {
  const builder = new GraphBuilder("layer");
  const input = builder.input("x", { dtype: "f32", shape: [rows, inner] }, "tokens");
  const weight = builder.weight(NAME, { dtype: "f32", shape: [outer, inner] });
  const graph = builder.finish({ y: builder.emitOne(linear, [input, weight], {}) });
  const weights: WeightSources = new Map([[NAME, sourceOf(outer, inner, w)]]);
  const quantization = {
    name: "fused",
    linears: new Map([[NAME, planned]]),
    floats: new Set<string>(),
  } as const;
  const { model } = emitGraph(graph, weights, { accuracyLevel: 0, rows, quantization });
  const report = checkModel(model, { apiLevel: 29 });
  expect(report.nodes.filter(({ supported }) => !supported)).toEqual([]);
  const session = await ort.InferenceSession.create(await writeOnnx(model).bytes(), { intraOpNumThreads: 1 });
  const { y } = await session.run({ x: new ort.Tensor("float32", x, [rows, inner]) });
  await session.release();
  return y!.data as Float32Array;
}

const halfToEven = (x: number) => {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
};
const code = (x: number, { scale, zeroPoint }: Quantization) =>
  Math.min(255, Math.max(0, halfToEven(Math.fround(x / scale)) + zeroPoint));

/** The layer in exact integers, and how far one step of its outputs reaches. */
function exact({ rows, inner, outer, x, w, planned }: Case): { y: Float64Array; step: Float64Array } {
  const { divisors, factors, weightScale, levels, massive } = planned;
  const y = new Float64Array(rows * outer);
  const step = new Float64Array(outer);
  const codes = Int32Array.from(w, (value, i) => {
    const [n, k] = [Math.floor(i / inner), i % inner];
    const level = Math.round(value * divisors[k]! * (1 / (factors[n]! * weightScale)));
    return Math.max(-127, Math.min(127, level));
  });
  for (let n = 0; n < outer; n++)
    step[n] = levels.reduce((sum, { output }) => sum + output.scale, 0) * factors[n]!;
  for (let t = 0; t < rows; t++) {
    const rest = Float32Array.from(
      { length: inner },
      (_, k) => x[t * inner + k]! * Math.fround(1 / divisors[k]!),
    );
    for (const { input, output } of levels) {
      const a = Array.from(rest, (value) => code(value, input) - input.zeroPoint);
      for (let n = 0; n < outer; n++) {
        const sum = a.reduce((total, level, k) => total + level * codes[n * inner + k]!, 0);
        const q = code((sum * input.scale * weightScale) / output.scale, {
          scale: 1,
          zeroPoint: output.zeroPoint,
        });
        y[t * outer + n]! += (q - output.zeroPoint) * output.scale * factors[n]!;
      }
      a.forEach((level, k) => {
        rest[k] = rest[k]! - Math.fround(level * input.scale);
      });
    }
    for (const k of massive)
      for (let n = 0; n < outer; n++) y[t * outer + n]! += rest[k]! * w[n * inner + k]! * divisors[k]!;
  }
  return { y, step };
}

function caseOf(
  seed: number,
  rows: number,
  inner: number,
  outer: number,
  change: Partial<QuantizedLinear> = {},
): Case {
  const random = new Random(seed);
  const x = random.normals(rows * inner);
  const w = random.normals(outer * inner, 0.2);
  const divisors = Float32Array.from({ length: inner }, () => 0.5 + random.next());
  const factors = Float32Array.from({ length: outer }, () => 0.5 + random.next());
  const reach = 0.5 * Math.sqrt(inner);
  const levels: Level[] = [{ input: quantizationOf(-3, 2.5), output: quantizationOf(-reach, 0.8 * reach) }];
  const planned = { divisors, factors, weightScale: Math.fround(1.2 / 127), levels, massive: [], ...change };
  return { rows, inner, outer, x, w, planned };
}

async function expectExact(given: Case): Promise<Float32Array> {
  const found = await run(given);
  const { y, step } = exact(given);
  let apart = 0;
  found.forEach((value, i) => {
    const most = step[i % given.outer]! * 1.001 + 1e-5 * Math.abs(y[i]!);
    expect(Math.abs(value - y[i]!)).toBeLessThanOrEqual(most);
    if (Math.abs(value - y[i]!) > most / 2) apart++;
  });
  // Only sums next to a half may fall the other way.
  expect(apart).toBeLessThanOrEqual(Math.ceil(found.length / 100));
  return found;
}

describe("one product", () => {
  test.each([
    [1, 1, 1],
    [1, 3, 2],
    [2, 33, 17],
    [5, 64, 48],
    [7, 127, 1],
    [3, 1, 65],
    [16, 100, 31],
  ])("%i rows, %i to %i", async (rows, inner, outer) => {
    await expectExact(caseOf(rows * 1000 + inner, rows, inner, outer));
  });

  test("inputs of all halves round to even, far ones and infinities saturate", async () => {
    const input = { scale: 0.5, zeroPoint: 100 };
    const given = caseOf(5, 4, 8, 8, {
      divisors: new Float32Array(8).fill(1),
      levels: [{ input, output: quantizationOf(-200, 200) }],
    });
    given.x.set(Float32Array.from({ length: 32 }, (_, i) => (i - 16) / 4));
    given.x.set([1e30, -1e30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e-45, 77.25], 8);
    await expectExact(given);
  });

  test("codes at both ends, 2,000 of them in a sum: nothing saturates on the way", async () => {
    const given = caseOf(6, 2, 2000, 3, {
      divisors: new Float32Array(2000).fill(1),
      factors: new Float32Array(3).fill(1),
      weightScale: 1,
      levels: [{ input: { scale: 1, zeroPoint: 0 }, output: quantizationOf(-7e7, 7e7) }],
    });
    given.x.fill(255);
    given.w.fill(127, 0, 2000).fill(-127, 2000, 4000);
    const found = await expectExact(given);
    expect(found[0]).toBeGreaterThan(6.4e7);
    expect(found[1]).toBeLessThan(-6.4e7);
  });

  test.each([0, 255])("a zero point of %i", async (zeroPoint) => {
    const given = caseOf(7, 3, 20, 9);
    const levels = [
      { input: { scale: Math.fround(0.02), zeroPoint }, output: given.planned.levels[0]!.output },
    ];
    await expectExact({ ...given, planned: { ...given.planned, levels } });
  });
});

test("massive rows: a second product, and columns in float32, give back what the first one clips", async () => {
  const first = { input: quantizationOf(-3, 3), output: quantizationOf(-8, 8) };
  const second = { input: quantizationOf(-9, 9), output: quantizationOf(-24, 24) };
  const given = caseOf(8, 6, 40, 24, { levels: [first, second], massive: [3, 17] });
  given.x[2 * 40 + 3] = 3000;
  given.x[4 * 40 + 17] = -500;
  given.x[5 * 40 + 9] = 6;
  const found = await expectExact(given);
  const plain = (t: number, n: number) =>
    given.x.subarray(t * 40, (t + 1) * 40).reduce((sum, x, k) => sum + x * given.w[n * 40 + k]!, 0);
  for (const t of [2, 4, 5]) {
    const wanted = Array.from({ length: 24 }, (_, n) => plain(t, n));
    const power = wanted.reduce((sum, y) => sum + y * y, 0);
    const error = wanted.reduce((sum, y, n) => sum + (y - found[t * 24 + n]!) ** 2, 0);
    expect(Math.sqrt(error / power)).toBeLessThan(0.05);
  }
});

test("no range at all: codes of zeros", () => {
  expect(quantizationOf(0, 0)).toEqual({ scale: 1, zeroPoint: 0 });
  expect(quantizationOf(2, 5)).toEqual({ scale: Math.fround(5 / 255), zeroPoint: 0 });
  expect(quantizationOf(-5, -2).zeroPoint).toBe(255);
});
