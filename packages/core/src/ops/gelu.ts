/** gelu: Gaussian error linear unit, x * P(X <= x) of a standard normal X (Hendrycks and Gimpel 2016, arXiv 1606.08415). */
import type { OpDef } from "../graph/op.js";
import type { TensorSpec } from "../tensor/tensor.js";
import { checkOp } from "./check.js";
import { unary } from "./elementwise.js";
import { erfc } from "./erfc.js";

export interface GeluAttrs {
  /**
   * "none": x / 2 * erfc(-x / sqrt(2)). "tanh": x / 2 * (1 + tanh(u)) with u = sqrt(2 / pi) * (x + 0.044715 x^3), which
   * models mean by gelu_new and gelu_pytorch_tanh; it equals x / (1 + e^(-2u)), which loses no digits in float32.
   */
  readonly approximation: "tanh" | "none";
}

/** Input: x f32[T, N]. Output: f32[T, N]. */
export const gelu: OpDef<"gelu", GeluAttrs> = unary("gelu", geluOf, (attrs, inputs) =>
  checkGelu("gelu", attrs, inputs),
);

export function geluOf(x: number, { approximation }: GeluAttrs): number {
  if (approximation === "none") return (x / 2) * erfc(-x / Math.SQRT2);
  const u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
  return x / (1 + Math.exp(-2 * u));
}

export function checkGelu(op: string, { approximation }: GeluAttrs, inputs: readonly TensorSpec[]): void {
  const known = approximation === "tanh" || approximation === "none";
  checkOp(known, op, 'the approximation must be "tanh" or "none"', inputs);
}
