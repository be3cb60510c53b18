/** scale: x * factor, the multipliers that Granite puts on residual branches and logits. */
import type { OpDef } from "../graph/op.js";
import { checkOp } from "./check.js";
import { unary } from "./elementwise.js";

export interface ScaleAttrs {
  readonly factor: number;
}

/** Input: x f32[T, N]. Output: f32[T, N]. */
export const scale: OpDef<"scale", ScaleAttrs> = unary(
  "scale",
  (x, { factor }: ScaleAttrs) => x * factor,
  ({ factor }, inputs) => checkOp(Number.isFinite(factor), "scale", "the factor must be finite", inputs),
);
