/** linear: a dense layer, y = x W^T (+ bias). The weight may be quantized; the reference dequantizes it exactly. */
import type { OpDef } from "../graph/op.js";
import { checkArity, checkMatrix, checkOp } from "./check.js";
import { matrixOf, newMatrix } from "./rows.js";

export type LinearAttrs = Readonly<Record<never, never>>;

/** Inputs: x f32[T, K], weight [N, K] of any float dtype, optionally bias f32[N]. Output: f32[T, N]. */
export const linear: OpDef<"linear", LinearAttrs> = {
  op: "linear",
  rowInputs: 1,
  infer(inputs) {
    checkArity("linear", inputs, 2, 3);
    const [rows, inner] = checkMatrix("linear", inputs, 0);
    const weight = inputs[1]!;
    checkOp(
      weight.shape.length === 2 && weight.shape[1] === inner,
      "linear",
      "the weight must be [N, K] with x's K",
      inputs,
    );
    const bias = inputs[2];
    checkOp(
      bias === undefined ||
        (bias.dtype === "f32" && bias.shape.length === 1 && bias.shape[0] === weight.shape[0]),
      "linear",
      "the bias must be f32[N]",
      inputs,
    );
    return [{ dtype: "f32", shape: [rows, weight.shape[0]!] }];
  },
  reference([x, weight, bias]) {
    const a = matrixOf(x!);
    const w = matrixOf(weight!);
    const b = bias && matrixOf(bias).values;
    const out = newMatrix(a.rows, w.rows);
    for (let n = 0; n < w.rows; n++) {
      const row = w.values.subarray(n * w.columns, (n + 1) * w.columns);
      for (let t = 0; t < a.rows; t++) {
        out.values[t * w.rows + n] = dot(a.values, t * a.columns, row) + (b?.[n] ?? 0);
      }
    }
    return [out.tensor];
  },
};

/** Four running sums keep the loop short of latency; all float64. */
function dot(x: Float32Array, base: number, row: Float32Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < row.length; i += 4) {
    s0 += x[base + i]! * row[i]!;
    s1 += x[base + i + 1]! * row[i + 1]!;
    s2 += x[base + i + 2]! * row[i + 2]!;
    s3 += x[base + i + 3]! * row[i + 3]!;
  }
  for (; i < row.length; i++) s0 += x[base + i]! * row[i]!;
  return s0 + s1 + (s2 + s3);
}
