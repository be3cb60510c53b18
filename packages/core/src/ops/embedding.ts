/** embedding: rows of a weight, chosen by token id. */
import { MilletError } from "../errors.js";
import type { OpDef } from "../graph/op.js";
import { dequantize } from "../quant/index.js";
import { rowByteLength, viewAs } from "../tensor/tensor.js";
import { checkArity, checkIndices, checkOp } from "./check.js";
import { newMatrix } from "./rows.js";

export interface EmbeddingAttrs {
  /** Factor on every element (Gemma multiplies by the square root of hidden); 1 for most. */
  readonly scale: number;
}

/** Inputs: weight [vocabulary, hidden] of any float dtype, tokens i32[T]. Output: f32[T, hidden]. */
export const embedding: OpDef<"embedding", EmbeddingAttrs> = {
  op: "embedding",
  rowsFrom: 1,
  infer(inputs) {
    checkArity("embedding", inputs, 2);
    const weight = inputs[0]!;
    checkOp(weight.shape.length === 2, "embedding", "the weight must be [vocabulary, hidden]", inputs);
    const tokens = checkIndices("embedding", inputs, 1);
    return [{ dtype: "f32", shape: [tokens, weight.shape[1]!] }];
  },
  reference([weight, tokens], { scale }) {
    const { dtype, shape } = weight!.spec;
    const [vocabulary, hidden] = [shape[0]!, shape[1]!];
    const rowBytes = rowByteLength(weight!.spec);
    const ids = viewAs(tokens!, "i32");
    const out = newMatrix(ids.length, hidden);
    ids.forEach((id, t) => {
      if (id < 0 || id >= vocabulary) {
        throw new MilletError(
          "INVALID_ARGUMENT",
          `Token id ${id} is outside the vocabulary of ${vocabulary}.`,
        );
      }
      const row = dequantize(dtype, weight!.data.subarray(id * rowBytes, (id + 1) * rowBytes));
      for (let i = 0; i < hidden; i++) out.values[t * hidden + i] = row[i]! * scale;
    });
    return [out.tensor];
  },
};
