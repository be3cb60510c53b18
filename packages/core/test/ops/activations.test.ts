/** gelu, geglu, soft_cap, scale and erfc against PyTorch 2.15 in float64; what they refuse. */
import { describe, expect, test } from "vitest";
import type { OpDef } from "../../src/graph/op.js";
import { erfc } from "../../src/ops/erfc.js";
import { geglu, gelu, scale, softCap } from "../../src/ops/index.js";
import { tensorOf, viewAs } from "../../src/tensor/tensor.js";

const X = [-30, -6, -2.5, -1, -0.1, 0.5, Math.SQRT2, 2, 3, 6];
const SPEC = { dtype: "f32", shape: [2, 4] } as const;

function apply<Attrs>(def: OpDef<string, Attrs>, attrs: Attrs, ...operands: number[][]): number[] {
  const inputs = operands.map((values) => tensorOf("f32", [1, values.length], values));
  return Array.from(viewAs(def.reference(inputs, attrs, undefined)[0]!, "f32"));
}

/** Within a few roundings of float32, also where the result is tiny. */
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) =>
    expect(Math.abs(actual[i]! - value), `element ${i}`).toBeLessThanOrEqual(3e-7 * Math.abs(value)),
  );
}

describe("erfc", () => {
  test("is exact over the whole range", () => {
    const expected = [
      ...[2, 2, 1.999593047982555, 1.8427007929497148, 1.112462916018285, 0.4795001221869535],
      ...[0.045500263896358396, 0.004677734981047266, 2.209049699858544e-5, 2.1519736712498913e-17],
    ];
    expected.forEach((value, i) => expect(Math.abs(erfc(X[i]!) / value - 1)).toBeLessThan(1e-13));
    expect([erfc(0), erfc(40), erfc(Infinity), erfc(-Infinity), erfc(Number.NaN)]).toEqual([1, 0, 0, 2, NaN]);
  });

  test("has no step where its two forms meet", () => {
    const slope = (erfc(2.001) - erfc(1.999)) / 0.002;
    expect(slope / ((-2 / Math.sqrt(Math.PI)) * Math.exp(-4))).toBeCloseTo(1, 5);
  });
});

describe("gelu", () => {
  const EXACT = [
    ...[-0, -5.919525869479969e-9, -0.015524163314440398, -0.15865525393145702, -0.0460172162722971],
    ...[0.34573123063700656, 1.3029862263925718, 1.9544997361036416, 2.99595030590511, 5.999999994080474],
  ];
  const TANH = [
    ...[-0, -8.43964897967453e-11, -0.015084266089998577, -0.15880800939172324, -0.04601724895456484],
    ...[0.34571400982514394, 1.3027546492765616, 1.954597694087775, 2.996362607918227, 5.9999999999156035],
  ];

  test("exact and by tanh, alone and as a gate", () => {
    const up = X.map((_, i) => i - 4);
    expectClose(apply(gelu, { approximation: "none" }, X).slice(1), EXACT.slice(1));
    expectClose(apply(gelu, { approximation: "tanh" }, X), TANH);
    const gated = apply(geglu, { approximation: "tanh" }, X, up);
    expectClose(
      gated,
      TANH.map((value, i) => value * up[i]!),
    );
  });

  test("stays finite far out", () => {
    for (const approximation of ["tanh", "none"] as const) {
      expect(apply(gelu, { approximation }, [-1e4, 0, 1e4]).map(Math.abs)).toEqual([0, 0, 1e4]);
    }
  });

  test("refuses approximations that it does not know", () => {
    const attrs = JSON.parse('{ "approximation": "quick" }');
    expect(() => gelu.infer([SPEC], attrs)).toThrow(/gelu\(.*approximation must be/);
    expect(() => geglu.infer([SPEC, SPEC], attrs)).toThrow(/geglu\(.*approximation must be/);
  });
});

describe("soft_cap and scale", () => {
  test("by hand", () => {
    expectClose(apply(softCap, { cap: 2 }, [1e6, 0, -2, 1e-6]), [2, 0, -2 * Math.tanh(1), 1e-6]);
    expect(apply(scale, { factor: -0.5 }, [3, 0, 8])).toEqual([-1.5, -0, -4]);
  });

  test("refuse what is no number", () => {
    for (const cap of [0, -1, Number.NaN, Infinity]) {
      expect(() => softCap.infer([SPEC], { cap })).toThrow(/soft_cap\(.*cap must be above 0/);
    }
    expect(() => scale.infer([SPEC], { factor: Number.NaN })).toThrow(/scale\(.*must be finite/);
    expect(softCap.infer([SPEC], { cap: 30 })).toEqual([SPEC]);
    expect(scale.infer([SPEC], { factor: 2 })).toEqual([SPEC]);
  });
});
