/** Every packed product against float64 arithmetic on the same numbers, in ugly shapes, and its bits against itself. */
import type { DType } from "@millet/core/tensor";
import { describe, expect, test } from "vitest";
import { Dot } from "../../assembly/dot-mode.js";
import { type LinearShape, referenceLinear, runLinear } from "../support/linear-case.js";

const QUANTIZED = ["q4_0", "q4_1", "q8_0", "q5_0", "q5_1", "iq4_nl"] as const satisfies readonly DType[];
const SUPER_BLOCKS = ["q4_k", "q5_k", "q6_k", "iq4_xs", "q3_k", "q2_k"] as const satisfies readonly DType[];
const PLAIN = ["f16", "bf16", "f32"] as const satisfies readonly DType[];

/** [outputs, inputs, rows] */
const SHAPES = [
  [1, 32, 1],
  [8, 32, 1],
  [9, 64, 2],
  [23, 160, 3],
  [40, 96, 4],
  [17, 1024, 5],
  [31, 64, 129],
] as const;
const SUPER_SHAPES = [
  [1, 256, 1],
  [9, 512, 2],
  [23, 256, 3],
  [8, 768, 4],
  [17, 1024, 5],
  [31, 256, 129],
] as const;
const ODD_SHAPES = [
  [1, 1, 1],
  [5, 53, 3],
  [12, 172, 6],
  [9, 7, 129],
] as const;

const shapes: LinearShape[] = [
  ...QUANTIZED.flatMap((dtype) => SHAPES.map((shape) => shapeOf(dtype, shape))),
  ...SUPER_BLOCKS.flatMap((dtype) => SUPER_SHAPES.map((shape) => shapeOf(dtype, shape))),
  ...PLAIN.flatMap((dtype) => [...SHAPES, ...ODD_SHAPES].map((shape) => shapeOf(dtype, shape))),
];

function shapeOf(dtype: DType, [outputs, inputs, rows]: readonly [number, number, number]): LinearShape {
  return { dtype, outputs, inputs, rows };
}

const nameOf = ({ dtype, outputs, inputs, rows }: LinearShape) =>
  `${dtype}[${outputs}, ${inputs}], ${rows} rows`;

describe.each(shapes.map((shape) => [nameOf(shape), shape] as const))("%s", (_, shape) => {
  const base = runLinear(shape);

  test("is the exact product up to float32 rounding", () => {
    expect(normalisedError(base, referenceLinear(shape))).toBeLessThanOrEqual(1e-9);
  });

  test("has the same bits on 2 and 3 threads", () => {
    expect(runLinear(shape, {}, 2)).toEqual(base);
    expect(runLinear(shape, {}, 3)).toEqual(base);
  });

  test("has the same bits with plain SIMD and in every dot mode", () => {
    expect(runLinear(shape, { simd: "plain" })).toEqual(base);
    for (const dot of [Dot.Madd, Dot.Sixteen]) expect(runLinear(shape, { dot })).toEqual(base);
  });

  test("has the same bits for the first rows alone", () => {
    for (const rows of [1, 2, 3]) {
      if (rows > shape.rows) continue;
      expect(runLinear({ ...shape, rows })).toEqual(base.slice(0, rows * shape.outputs));
    }
  });
});

function normalisedError(actual: Float32Array, expected: Float64Array): number {
  const squares = (f: (i: number) => number) => expected.reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return squares((i) => actual[i]! - expected[i]!) / squares((i) => expected[i]!);
}
