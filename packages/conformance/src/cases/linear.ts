/** Cases of linear: every weight type, ugly shapes, one row and many, with and without bias. */
import { linear } from "@millet/core/ops";
import { DTYPES, type DType } from "@millet/core/tensor";
import { type OpCase, opCase } from "../case.js";
import { fitsRows, WEIGHT_TYPES } from "../weight-types.js";

/**
 * Backends may quantize activations to 8 bits per block of 32 for quantized weights, which costs about 5e-5 of the
 * power on average and 1e-3 where the few outputs of a small case happen to be near zero; plain weights are multiplied
 * in float32. A backend that quantizes tests its kernels against quantized activations on its own, to 1e-9.
 */
function toleranceOf(dtype: DType): number {
  if (dtype === "f32") return 1e-11;
  return DTYPES[dtype].quantized ? 2e-3 : 1e-6;
}

/** [most rows, N, K, rows of each call]; block types take those whose K divides into their blocks. */
const SHAPES = [
  [1, 8, 32, [1]],
  [1, 1, 32, [1]],
  [2, 9, 64, [2, 1]],
  [1, 5, 1, [1]],
  [3, 7, 53, [3, 1]],
  [33, 31, 172, [33, 4, 5]],
  [129, 24, 96, [129, 128, 3, 0, 1]],
  [8, 200, 576, [8, 1]],
  [1, 9, 256, [1]],
  [33, 31, 768, [33, 4, 0, 1]],
] as const;

function cases(dtype: DType): OpCase[] {
  return SHAPES.filter(([, , inner]) => fitsRows(dtype, inner)).flatMap(([rows, outer, inner, calls]) =>
    [false, true].map((hasBias) => {
      const name = `linear ${dtype}[${outer}, ${inner}], ${rows} rows${hasBias ? ", bias" : ""}`;
      const multiplyAdds = outer * inner * calls.reduce<number>((sum, n) => sum + n, 0);
      return opCase(name, { tolerance: toleranceOf(dtype), multiplyAdds }, (builder) => {
        const x = builder.input("x", "f32", [rows, inner]);
        const weight = builder.weight("w", dtype, [outer, inner], inner ** -0.5);
        const bias = hasBias ? [builder.weight("b", "f32", [outer], 0.5)] : [];
        return {
          graph: builder.emit(linear, [x, weight, ...bias], {}),
          calls: calls.map((active) => ({ x: builder.floats([active, inner]) })),
        };
      });
    }),
  );
}

export const linearCases: readonly OpCase[] = WEIGHT_TYPES.flatMap(cases);
