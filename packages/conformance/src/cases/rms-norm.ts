/** Cases of rms_norm: odd sizes, tiny and huge values. */
import { rmsNorm } from "@millet/core/ops";
import { type OpCase, opCase } from "../case.js";

/** [most rows, columns, scale of x, rows of each call] */
const SHAPES = [
  [1, 1, 1, [1]],
  [1, 576, 1, [1]],
  [4, 33, 1e-4, [4, 1]],
  [129, 64, 1e3, [129, 2, 0]],
  [2, 2048, 30, [2]],
] as const;

export const rmsNormCases: readonly OpCase[] = SHAPES.map(([rows, columns, scale, calls]) =>
  opCase(`rms_norm f32[${rows}, ${columns}] of scale ${scale}`, { tolerance: 1e-11 }, (builder) => {
    const x = builder.input("x", "f32", [rows, columns]);
    const weight = builder.weight("w", "f32", [columns], 0.3, 1);
    return {
      graph: builder.emit(rmsNorm, [x, weight], { epsilon: 1e-5 }),
      calls: calls.map((active) => ({ x: builder.floats([active, columns], scale) })),
    };
  }),
);
