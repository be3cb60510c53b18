/** rms_norm and layer_norm: groups, weights and biases against PyTorch 2.15 in float64; what they refuse. */
import { describe, expect, test } from "vitest";
import type { OpDef } from "../../src/graph/op.js";
import { layerNorm, type RmsNormAttrs, rmsNorm } from "../../src/ops/index.js";
import { type DType, tensorOf, viewAs } from "../../src/tensor/index.js";

const X = [1, 2, 4, -3, 0, 6];
const WEIGHT = [1, 2, -1];
const BIAS = [0.5, 0, 1];

function apply(
  def: OpDef<string, RmsNormAttrs>,
  groups: number | undefined,
  ...vectors: number[][]
): number[] {
  const inputs = [tensorOf("f32", [1, 6], X), ...vectors.map((v) => tensorOf("f32", [v.length], v))];
  const attrs = { epsilon: 1e-5, ...(groups !== undefined && { groups }) };
  return Array.from(viewAs(def.reference(inputs, attrs, undefined)[0]!, "f32"));
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 6));
}

describe("layer_norm", () => {
  test("of all columns, without bias", () => {
    expectClose(
      apply(layerNorm, undefined, [1, 1, 1, 1, 1, 1]),
      [
        -0.23249513610550432, 0.116247568052752, 0.8137329763692647, -1.6274659527385296, -0.5812378402637606,
        1.5112183846857772,
      ],
    );
  });

  test("of groups, with one weight and bias for all", () => {
    expectClose(
      apply(layerNorm, 2, WEIGHT, BIAS),
      [
        -0.5690415314502977, -0.5345207657251491, -0.3363019143128718, -0.5690445858481279,
        -0.534522292924064, -0.3363057323101599,
      ],
    );
  });

  test("of groups, with weight and bias of their own", () => {
    expectClose(
      apply(layerNorm, 2, [1, 2, 3, 4, 5, 6], [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
      [
        -1.069041531450298, -0.4345207657251491, 4.208905742938616, -3.9761783433925117, -0.9363057323101599,
        8.517834393860959,
      ],
    );
  });
});

describe("rms_norm", () => {
  const expected = [
    0.3779642030348929, 1.5118568121395717, -1.5118568121395717, -0.7745964110427228, 0, -1.5491928220854456,
  ];

  test("of groups, with one weight and with weights of their own", () => {
    expectClose(apply(rmsNorm, 2, WEIGHT), expected);
    expectClose(apply(rmsNorm, 2, [...WEIGHT, 2, 2, 2]), [
      ...expected.slice(0, 3),
      ...expected.slice(3).map((value, i) => (value / WEIGHT[i]!) * 2),
    ]);
  });
});

describe("both", () => {
  const spec = (shape: number[], dtype: DType = "f32") => ({ dtype, shape });
  const infer = (def: OpDef<string, RmsNormAttrs>, groups: number, weight: number[], bias?: number[]) =>
    def.infer([spec([3, 12]), spec(weight), ...(bias ? [spec(bias)] : [])], { epsilon: 1e-5, groups });

  test("take weights as long as a group or as all columns", () => {
    for (const def of [rmsNorm, layerNorm]) {
      for (const length of [3, 12]) expect(infer(def, 4, [length])).toEqual([spec([3, 12])]);
    }
    expect(infer(layerNorm, 4, [3], [3])).toEqual([spec([3, 12])]);
  });

  test("refuse operands and attributes that do not fit", () => {
    for (const def of [rmsNorm, layerNorm]) {
      for (const groups of [0, -1, 5, 1.5, Number.NaN]) {
        expect(() => infer(def, groups, [12])).toThrow(/groups do not divide/);
      }
      expect(() => infer(def, 4, [4])).toThrow(/the weight must be f32\[12\] or f32\[3\]/);
      expect(() => infer(def, 1, [3])).toThrow(/the weight must be f32\[12\]\./);
      expect(() => infer(def, 1, [1, 12])).toThrow(/the weight/);
      expect(() => def.infer([spec([3, 12]), spec([12], "f16")], { epsilon: 0 })).toThrow(/the weight/);
      expect(() => def.infer([spec([3, 12]), spec([12])], { epsilon: -1 })).toThrow(/epsilon/);
    }
    expect(() => infer(rmsNorm, 1, [12], [12])).toThrow(/operands/);
    expect(() => infer(layerNorm, 4, [12], [3])).toThrow(/as long as the weight/);
    expect(() => infer(layerNorm, 4, [3], [12])).toThrow(/as long as the weight/);
  });
});
