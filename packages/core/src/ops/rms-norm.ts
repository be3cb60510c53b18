/** rms_norm: root mean square layer normalization (Zhang and Sennrich 2019, arXiv 1910.07467). */
import type { OpDef } from "../graph/op.js";
import { checkArity, checkMatrix, checkOp } from "./check.js";
import { matrixOf, newMatrix } from "./rows.js";

export interface RmsNormAttrs {
  readonly epsilon: number;
}

/** y = x / sqrt(mean(x^2) + epsilon) * weight. Inputs: x f32[T, hidden], weight f32[hidden]. Output: f32[T, hidden]. */
export const rmsNorm: OpDef<"rms_norm", RmsNormAttrs> = {
  op: "rms_norm",
  infer(inputs) {
    checkArity("rms_norm", inputs, 2);
    const [rows, hidden] = checkMatrix("rms_norm", inputs, 0);
    const weight = inputs[1]!;
    checkOp(
      weight.dtype === "f32" && weight.shape.length === 1 && weight.shape[0] === hidden,
      "rms_norm",
      "the weight must be f32[hidden]",
      inputs,
    );
    return [{ dtype: "f32", shape: [rows, hidden] }];
  },
  reference([x, weight], { epsilon }) {
    const { rows, columns, values } = matrixOf(x!);
    const scale = matrixOf(weight!).values;
    const out = newMatrix(rows, columns);
    for (let t = 0; t < rows; t++) {
      const base = t * columns;
      let squares = 0;
      for (let i = 0; i < columns; i++) squares += values[base + i]! ** 2;
      const factor = 1 / Math.sqrt(squares / columns + epsilon);
      for (let i = 0; i < columns; i++) out.values[base + i] = values[base + i]! * factor * scale[i]!;
    }
    return [out.tensor];
  },
};
