/** Shared by rms_norm and layer_norm: groups of columns, the shapes of weight and bias, the loop of a reference. */
import type { HostTensor, TensorSpec } from "../tensor/tensor.js";
import { checkArity, checkMatrix, checkOp } from "./check.js";
import { matrixOf, newMatrix } from "./rows.js";

export interface NormAttrs {
  /** Added to the mean square (rms_norm) or variance (layer_norm) under the root. */
  readonly epsilon: number;
  /**
   * The columns are as many groups of neighbours, such as the heads of q and k, each normalized by itself. 1 if
   * undefined. It divides the columns.
   */
  readonly groups?: number;
}

/** Infers x f32[T, N], weight f32[N] or, shared by all groups, f32[N / groups], and perhaps a bias of the same length. */
export function inferNorm(
  op: string,
  inputs: readonly TensorSpec[],
  { epsilon, groups = 1 }: NormAttrs,
  mostOperands: 2 | 3,
): readonly TensorSpec[] {
  checkArity(op, inputs, 2, mostOperands);
  const [, columns] = checkMatrix(op, inputs, 0);
  const fits = Number.isInteger(groups) && groups >= 1 && columns % groups === 0;
  checkOp(fits, op, `${groups} groups do not divide the columns`, inputs);
  checkOp(epsilon >= 0 && Number.isFinite(epsilon), op, "epsilon must be 0 or more", inputs);
  const [, weight, bias] = inputs;
  const lengths = [...new Set([columns, columns / groups])];
  const isVector = ({ dtype, shape }: TensorSpec) =>
    dtype === "f32" && shape.length === 1 && lengths.includes(shape[0]!);
  const rule = lengths.map((length) => `f32[${length}]`).join(" or ");
  checkOp(isVector(weight!), op, `the weight must be ${rule}`, inputs);
  const matches = bias === undefined || (isVector(bias) && bias.shape[0] === weight!.shape[0]);
  checkOp(matches, op, "the bias must be as long as the weight", inputs);
  return [inputs[0]!];
}

/** What is taken from a group's elements, and the factor on the rest. */
export interface Normalization {
  readonly mean: number;
  readonly factor: number;
}

/** y = (x - mean) * factor * weight + bias, group by group. */
export function normalizeGroups(
  [x, weight, bias]: readonly HostTensor[],
  groups: number,
  normalize: (group: Float32Array) => Normalization,
): HostTensor {
  const { rows, columns, values } = matrixOf(x!);
  const weights = matrixOf(weight!).values;
  const biases = bias && matrixOf(bias).values;
  const out = newMatrix(rows, columns);
  const size = columns / groups;
  for (let start = 0; start < rows * columns; start += size) {
    const { mean, factor } = normalize(values.subarray(start, start + size));
    for (let i = start; i < start + size; i++) {
      const at = (i % columns) % weights.length;
      out.values[i] = (values[i]! - mean) * factor * weights[at]! + (biases?.[at] ?? 0);
    }
  }
  return out.tensor;
}

/** The mean of `value` over a group, in float64. */
export function meanOf(group: Float32Array, value: (x: number) => number): number {
  let sum = 0;
  for (const x of group) sum += value(x);
  return sum / group.length;
}
