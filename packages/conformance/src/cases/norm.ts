/** Shared by the cases of rms_norm and layer_norm: columns in groups of even and odd sizes, weights shared or not. */
import type { OpDef } from "@millet/core/graph";
import type { RmsNormAttrs } from "@millet/core/ops";
import { type OpCase, opCase } from "../case.js";

export interface NormShape {
  readonly rows: number;
  readonly columns: number;
  /** Rows of each call. */
  readonly calls: readonly number[];
  /** Of x; 1 unless given. */
  readonly scale?: number;
  /** Of x; 0 unless given. */
  readonly mean?: number;
  /** 1 unless given. */
  readonly groups?: number;
  /** Whether all groups have the same weight. */
  readonly sharedWeight?: boolean;
  readonly bias?: boolean;
}

/** The heads of q and k, and what no model has. */
export const GROUPED_SHAPES: readonly NormShape[] = [
  { rows: 1, columns: 2048, calls: [1], groups: 16, sharedWeight: true },
  { rows: 4, columns: 576, calls: [4, 1], groups: 9 },
  { rows: 3, columns: 33, calls: [3, 2], groups: 3, sharedWeight: true },
  { rows: 5, columns: 30, calls: [5, 0, 1], groups: 6 },
  { rows: 129, columns: 80, calls: [129, 128, 3], groups: 4, sharedWeight: true, scale: 30 },
];

/** Cases of a norm, by their names. */
export function normCases<Op extends string>(
  def: OpDef<Op, RmsNormAttrs>,
  shapes: readonly NormShape[],
  tolerance: number,
): OpCase[] {
  return shapes.map((shape) => {
    const { rows, columns, calls, scale = 1, mean = 0, groups = 1, sharedWeight = false } = shape;
    const length = sharedWeight ? columns / groups : columns;
    return opCase(nameOf(def.op, shape), { tolerance }, (builder) => {
      const x = builder.input("x", "f32", [rows, columns]);
      const weight = builder.weight("w", "f32", [length], 0.3, 1);
      const bias = shape.bias ? [builder.weight("b", "f32", [length], 0.5)] : [];
      const attrs = { epsilon: 1e-5, ...(groups > 1 && { groups }) };
      return {
        graph: builder.emit(def, [x, weight, ...bias], attrs),
        calls: calls.map((active) => ({ x: builder.floats([active, columns], scale, mean) })),
      };
    });
  });
}

function nameOf(
  op: string,
  { rows, columns, scale = 1, mean, groups, sharedWeight, bias }: NormShape,
): string {
  const parts = [
    `${op} f32[${rows}, ${columns}] of scale ${scale}`,
    ...(mean === undefined ? [] : [`mean ${mean}`]),
    ...(groups === undefined ? [] : [`${groups} groups${sharedWeight ? " with one weight" : ""}`]),
    ...(bias ? ["bias"] : []),
  ];
  return parts.join(", ");
}
