/** Shape checks shared by the ops' `infer` functions. */
import { MilletError } from "../errors.js";
import { formatSpec, type TensorSpec } from "../tensor/tensor.js";

/** @throws MilletError GRAPH_INVALID naming the op and its operands if `condition` is false */
export function checkOp(
  condition: boolean,
  op: string,
  rule: string,
  inputs: readonly TensorSpec[],
): asserts condition {
  if (condition) return;
  throw new MilletError("GRAPH_INVALID", `${op}(${inputs.map(formatSpec).join(", ")}): ${rule}.`);
}

/** Checks the number of operands and returns them as a tuple's worth of specs. */
export function checkArity(op: string, inputs: readonly TensorSpec[], least: number, most = least): void {
  checkOp(inputs.length >= least && inputs.length <= most, op, `needs ${least} to ${most} operands`, inputs);
}

/** Checks that an operand is a float32 matrix and returns [rows, columns]. */
export function checkMatrix(
  op: string,
  inputs: readonly TensorSpec[],
  index: number,
): readonly [rows: number, columns: number] {
  const spec = inputs[index];
  checkOp(
    spec?.dtype === "f32" && spec.shape.length === 2,
    op,
    `operand ${index} must be f32[rows, columns]`,
    inputs,
  );
  return [spec.shape[0]!, spec.shape[1]!];
}

/** Checks that an operand is an int32 vector of a length (any length if not given). */
export function checkIndices(
  op: string,
  inputs: readonly TensorSpec[],
  index: number,
  length?: number,
): number {
  const spec = inputs[index];
  const rule = `operand ${index} must be i32[${length ?? "n"}]`;
  checkOp(spec?.dtype === "i32" && spec.shape.length === 1, op, rule, inputs);
  checkOp(length === undefined || spec.shape[0] === length, op, rule, inputs);
  return spec.shape[0]!;
}
