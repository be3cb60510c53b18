/** The attention branch of a layer: projections, attention over the KV cache, projection back. */
import type { Value } from "../../graph/graph.js";
import { type AttentionAttrs, attention } from "../../ops/index.js";
import type { StepContext } from "./step-context.js";
import { contextTokens } from "./step-inputs.js";

/** @param x normalized rows [T, hidden] @returns [T, hidden], not added to anything yet */
export function attentionBranch(step: StepContext, x: Value, layer: number): Value {
  const { hidden, heads, kvHeads, headDim, valueDim } = step.spec.sizes;
  // The three products stand together, so that a backend's threads meet once before both norms.
  const q = step.linear(x, layer, "attn_q", heads * headDim);
  const k = step.linear(x, layer, "attn_k", kvHeads * headDim);
  const v = step.linear(x, layer, "attn_v", kvHeads * valueDim);
  const { positions, sequences, writeRows, blockTable, lengths } = step.inputs;
  const normed = [
    normOfHeads(step, q, layer, "attn_q_norm", heads),
    normOfHeads(step, k, layer, "attn_k_norm", kvHeads),
  ];
  const operands = [...normed, v, positions, sequences, writeRows, blockTable, lengths];
  const mixed = step.graph.emitOne(attention, operands, attentionAttrs(step, layer)); // [T, heads * valueDim]
  return step.linear(mixed, layer, "attn_output", hidden);
}

function normOfHeads(step: StepContext, x: Value, layer: number, name: string, heads: number): Value {
  const { queryKeyNorm: kind, sizes } = step.spec;
  if (!kind) return x;
  const path = `blk.${layer}.${name}`;
  if (kind === "row") return step.norm(x, path);
  return step.norm(x, path, heads, kind === "own" ? heads * sizes.headDim : sizes.headDim);
}

function attentionAttrs({ spec, shape }: StepContext, layer: number): AttentionAttrs {
  const { heads, kvHeads, headDim, valueDim } = spec.sizes;
  const { rope, window } = spec.attention(layer, contextTokens(shape));
  return {
    layer,
    heads,
    kvHeads,
    headDim,
    valueDim,
    scale: spec.attentionScale ?? 1 / Math.sqrt(headDim),
    causal: spec.causal ?? true,
    ...(window !== undefined && { window }),
    ...(spec.attentionSoftCap !== undefined && { softCap: spec.attentionSoftCap }),
    ...(rope && { rope }),
  };
}
