/** soft_cap: cap * tanh(x / cap), which keeps logits within (-cap, cap) (Gemma 2: arXiv 2408.00118, section 2). */
import type { OpDef } from "../graph/op.js";
import { checkOp } from "./check.js";
import { unary } from "./elementwise.js";

export interface SoftCapAttrs {
  /** Greater than 0. */
  readonly cap: number;
}

/** Input: x f32[T, N]. Output: f32[T, N]. */
export const softCap: OpDef<"soft_cap", SoftCapAttrs> = unary(
  "soft_cap",
  (x, { cap }: SoftCapAttrs) => cap * Math.tanh(x / cap),
  ({ cap }, inputs) => checkOp(cap > 0 && Number.isFinite(cap), "soft_cap", "cap must be above 0", inputs),
);
