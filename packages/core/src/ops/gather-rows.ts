/** gather_rows: chosen rows of a matrix, such as the ones whose logits are wanted. */
import { MilletError } from "../errors.js";
import type { OpDef } from "../graph/op.js";
import { viewAs } from "../tensor/tensor.js";
import { checkArity, checkIndices, checkMatrix } from "./check.js";
import type { NoAttrs } from "./elementwise.js";
import { matrixOf, newMatrix } from "./rows.js";

/** Inputs: x f32[T, N], rows i32[R]. Output: f32[R, N]. */
export const gatherRows: OpDef<"gather_rows", NoAttrs> = {
  op: "gather_rows",
  rowsFrom: 1,
  infer(inputs) {
    checkArity("gather_rows", inputs, 2);
    const [, columns] = checkMatrix("gather_rows", inputs, 0);
    return [{ dtype: "f32", shape: [checkIndices("gather_rows", inputs, 1), columns] }];
  },
  reference([x, rows]) {
    const a = matrixOf(x!);
    const indices = viewAs(rows!, "i32");
    const out = newMatrix(indices.length, a.columns);
    indices.forEach((row, r) => {
      if (row < 0 || row >= a.rows) {
        throw new MilletError(
          "INVALID_ARGUMENT",
          `gather_rows: row ${row} is outside the ${a.rows} active rows.`,
        );
      }
      out.values.set(a.values.subarray(row * a.columns, (row + 1) * a.columns), r * a.columns);
    });
    return [out.tensor];
  },
};
