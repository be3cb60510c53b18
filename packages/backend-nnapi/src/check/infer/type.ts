/** Types of values as shape inference passes them on. */
import type { OnnxDType } from "../../onnx/model.js";

/** A size, the name of a dynamic one, or undefined if nothing is known. */
export type Dim = number | string | undefined;

export interface Type {
  readonly dtype: OnnxDType | undefined;
  readonly shape: readonly Dim[] | undefined;
}

export const UNKNOWN: Type = { dtype: undefined, shape: undefined };

export const typeOf = (dtype: OnnxDType | undefined, shape: readonly Dim[] | undefined): Type => ({
  dtype,
  shape,
});

/** The dimensions of an elementwise result (numpy's rules); undefined if one operand's rank is unknown. */
export function broadcast(
  a: readonly Dim[] | undefined,
  b: readonly Dim[] | undefined,
): readonly Dim[] | undefined {
  if (!a || !b) return undefined;
  const rank = Math.max(a.length, b.length);
  const at = (shape: readonly Dim[], i: number): Dim => {
    const index = i - rank + shape.length;
    return index < 0 ? 1 : shape[index];
  };
  return Array.from({ length: rank }, (_, i) => broadcastDim(at(a, i), at(b, i)));
}

function broadcastDim(a: Dim, b: Dim): Dim {
  if (a === 1) return b;
  if (b === 1 || a === b) return a;
  if (typeof a === "number" && a > 1 && typeof b !== "number") return a;
  if (typeof b === "number" && b > 1 && typeof a !== "number") return b;
  return undefined;
}

/** The product of known sizes. */
export function productOf(dims: readonly Dim[]): number | undefined {
  let product = 1;
  for (const dim of dims) {
    if (typeof dim !== "number") return undefined;
    product *= dim;
  }
  return product;
}

/** An axis from the front, whatever its sign. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
