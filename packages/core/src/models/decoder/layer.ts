/** One layer: attention and feed-forward with their norms, each added to the residual stream. */
import type { Value } from "../../graph/graph.js";
import { attentionBranch } from "./attention.js";
import { feedForwardBranch } from "./feed-forward.js";
import { type BranchNorms, PRE_NORMS } from "./spec.js";
import type { StepContext } from "./step-context.js";

/** @param x the residual stream [T, hidden] */
export function decoderLayer(step: StepContext, x: Value, layer: number): Value {
  const { norms: { attention, feedForward } = PRE_NORMS, parallel, residualScale } = step.spec;
  if (parallel) {
    const h = step.norm(x, `blk.${layer}.${attention.input}`);
    const mixed = step.add(x, step.scale(attentionBranch(step, h, layer), residualScale));
    return step.add(mixed, step.scale(feedForwardBranch(step, h, layer), residualScale));
  }
  const mixed = branch(step, x, layer, attention, attentionBranch);
  return branch(step, mixed, layer, feedForward, feedForwardBranch);
}

function branch(
  step: StepContext,
  x: Value,
  layer: number,
  norms: BranchNorms,
  body: typeof attentionBranch,
): Value {
  const norm = (value: Value, name: string | undefined) =>
    name === undefined ? value : step.norm(value, `blk.${layer}.${name}`);
  const added = norm(body(step, norm(x, norms.input), layer), norms.output);
  return norm(step.add(x, step.scale(added, step.spec.residualScale)), norms.sum);
}
