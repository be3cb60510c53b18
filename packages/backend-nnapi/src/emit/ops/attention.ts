/**
 * attention by GroupQueryAttention where options and layer allow it, else by MatMul and Softmax over cached and new keys at
 * once: JavaScript gathers the cached rows, writes the new ones where they belong, and says by a mask what each token sees.
 */
import type { Value } from "@millet/core/graph";
import type { AttentionAttrs } from "@millet/core/ops";
import type { EmitContext } from "../context.js";
import { emitSoftCap } from "./elementwise.js";
import { emitGroupedAttention, whyNotGrouped } from "./grouped-attention.js";
import { emitRope } from "./rope.js";

export function emitAttention(context: EmitContext, inputs: readonly Value[], attrs: AttentionAttrs): string {
  if (context.options.attention !== "grouped") return emitGeneralAttention(context, inputs, attrs);
  const reason = whyNotGrouped(attrs);
  if (reason === undefined) return emitGroupedAttention(context, inputs, attrs);
  context.note(reason);
  return emitGeneralAttention(context, inputs, attrs);
}

function emitGeneralAttention(
  context: EmitContext,
  [q, k, v, ...indices]: readonly Value[],
  attrs: AttentionAttrs,
): string {
  const { builder } = context;
  const { layer, heads, kvHeads, headDim, valueDim } = attrs;
  const cache = context.cache(layer, kvHeads * headDim, kvHeads * valueDim, indices);
  const rotated = (x: Value, count: number) =>
    attrs.rope
      ? emitRope(context, context.name(x), indices[0]!, { ...attrs.rope, heads: count, headDim })
      : context.name(x);
  const newKeys = rotated(k!, kvHeads);
  const newValues = context.name(v!);
  builder.output(cache.newKeys, newKeys, [context.tokens, kvHeads * headDim]);
  builder.output(cache.newValues, newValues, [context.tokens, kvHeads * valueDim]);
  const all = (past: string, fresh: string, dim: number) => {
    const rows = builder.node("Concat", [past, fresh], { attributes: { axis: 0 } });
    return builder.node("Reshape", [rows, builder.int64s(-1, kvHeads, 1, dim)]); // [keys, kvHeads, 1, dim]
  };
  const move = (x: string, ...perm: readonly number[]) =>
    builder.node("Transpose", [x], { attributes: { perm } });
  const keys = move(all(cache.pastKeys, newKeys, headDim), 1, 2, 3, 0); // [kvHeads, 1, headDim, keys]
  const values = move(all(cache.pastValues, newValues, valueDim), 1, 2, 0, 3); // [kvHeads, 1, keys, valueDim]
  const group = heads / kvHeads;
  const split = builder.node("Reshape", [rotated(q!, heads), builder.int64s(-1, kvHeads, group, headDim)]);
  const queries = move(split, 1, 2, 0, 3); // [kvHeads, group, T, headDim]
  const products = builder.node("MatMul", [queries, keys]); // [kvHeads, group, T, keys]
  const scaled = builder.node("Mul", [products, builder.floats([attrs.scale])]);
  const scores = attrs.softCap === undefined ? scaled : emitSoftCap(context, scaled, attrs.softCap);
  const masked = builder.node("Add", [scores, context.mask(attrs.causal, attrs.window)]);
  const weights = builder.node("Softmax", [masked], { attributes: { axis: -1 } });
  const mixed = move(builder.node("MatMul", [weights, values]), 2, 0, 1, 3); // [T, kvHeads, group, valueDim]
  return builder.node("Reshape", [mixed, builder.int64s(-1, heads * valueDim)]);
}
