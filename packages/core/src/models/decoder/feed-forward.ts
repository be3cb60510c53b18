/** The feed-forward branch of a layer: up, activation (gated or not), down. */
import type { Value } from "../../graph/graph.js";
import { swiglu } from "../../ops/index.js";
import type { StepContext } from "./step-context.js";

/** @param x normalized rows [T, hidden] @returns [T, hidden], not added to anything yet */
export function feedForwardBranch(step: StepContext, x: Value, layer: number): Value {
  const { hidden, feedForward } = step.spec.sizes;
  const gate = step.linear(x, layer, "ffn_gate", feedForward);
  const up = step.linear(x, layer, "ffn_up", feedForward);
  const activated = step.graph.emitOne(swiglu, [gate, up], {}); // [T, feedForward]
  return step.linear(activated, layer, "ffn_down", hidden);
}
