/** Shared by the elementwise ops: same-shape inference and the loop of a reference. */
import type { OpDef } from "../graph/op.js";
import { sameSpec, type TensorSpec } from "../tensor/tensor.js";
import { checkArity, checkMatrix, checkOp } from "./check.js";
import { matrixOf, newMatrix } from "./rows.js";

export type NoAttrs = Readonly<Record<never, never>>;

/** Refuses attributes that make no sense. @throws MilletError GRAPH_INVALID */
type CheckAttrs<Attrs> = (attrs: Attrs, inputs: readonly TensorSpec[]) => void;

/** An op on one float32 matrix, element by element. */
export function unary<Op extends string, Attrs = NoAttrs>(
  op: Op,
  apply: (x: number, attrs: Attrs) => number,
  checkAttrs?: CheckAttrs<Attrs>,
): OpDef<Op, Attrs> {
  return {
    op,
    rowInputs: 1,
    infer(inputs, attrs) {
      checkArity(op, inputs, 1);
      checkMatrix(op, inputs, 0);
      checkAttrs?.(attrs, inputs);
      return [inputs[0]!];
    },
    reference([x], attrs) {
      const { rows, columns, values } = matrixOf(x!);
      const out = newMatrix(rows, columns);
      for (let i = 0; i < values.length; i++) out.values[i] = apply(values[i]!, attrs);
      return [out.tensor];
    },
  };
}

/** An op on two float32 matrices of the same shape, element by element. */
export function binary<Op extends string, Attrs = NoAttrs>(
  op: Op,
  apply: (x: number, y: number, attrs: Attrs) => number,
  checkAttrs?: CheckAttrs<Attrs>,
): OpDef<Op, Attrs> {
  return {
    op,
    rowInputs: 2,
    infer(inputs, attrs) {
      checkArity(op, inputs, 2);
      checkMatrix(op, inputs, 0);
      checkOp(sameSpec(inputs[0]!, inputs[1]!), op, "the operands must have the same shape", inputs);
      checkAttrs?.(attrs, inputs);
      return [inputs[0]!];
    },
    reference([x, y], attrs) {
      const a = matrixOf(x!);
      const b = matrixOf(y!).values;
      const out = newMatrix(a.rows, a.columns);
      for (let i = 0; i < b.length; i++) out.values[i] = apply(a.values[i]!, b[i]!, attrs);
      return [out.tensor];
    },
  };
}
