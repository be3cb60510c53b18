/**
 * attention as com.microsoft.GroupQueryAttention (ONNX Runtime's ContribOperators.md): one sequence, whose cached rows and
 * new ones lie in order in one buffer that the operator updates in place. A row's place is what makes it visible.
 */
import type { Value } from "@millet/core/graph";
import type { AttentionAttrs } from "@millet/core/ops";
import type { ShortAttribute } from "../builder.js";
import type { EmitContext } from "../context.js";
import { emitRope } from "./rope.js";

/** What a head's size must divide into: rows of the operator's vectors, of which a rotated half is one at least. */
const HEAD_STEP = 8;

/** Why the operator cannot express a layer, as a sentence; undefined if it can. */
export function whyNotGrouped({ layer, causal, headDim, valueDim }: AttentionAttrs): string | undefined {
  const because = (reason: string) =>
    `Layer ${layer} takes the general attention, since GroupQueryAttention ${reason}.`;
  if (!causal) return because("is causal and this layer is not");
  if (headDim !== valueDim)
    return because(`has one size of heads and this layer has ${headDim} and ${valueDim}`);
  if (headDim % HEAD_STEP !== 0)
    return because(`takes heads in multiples of ${HEAD_STEP}, not of ${headDim}`);
  return undefined;
}

/** Whether the operator rotates by itself. */
function rotatesInside({ rope, headDim }: AttentionAttrs): boolean {
  return (
    rope !== undefined && headDim % (2 * HEAD_STEP) === 0 && rope.inverseFrequencies.length % HEAD_STEP === 0
  );
}

export function emitGroupedAttention(
  context: EmitContext,
  [q, k, v, ...indices]: readonly Value[],
  attrs: AttentionAttrs,
): string {
  const { builder } = context;
  const { heads, kvHeads, headDim, rope } = attrs;
  const positions = indices[0]!;
  const cache = context.groupedCache(attrs, indices);
  const { total, last } = context.length();
  const inside = rope && rotatesInside(attrs) ? context.rotation(rope, positions, "cache") : undefined;
  const turned = (x: Value, count: number) =>
    rope && !inside
      ? emitRope(context, context.name(x), positions, { ...rope, heads: count, headDim })
      : context.name(x);
  const asBatch = (x: string, count: number) =>
    builder.node("Reshape", [x, builder.int64s(1, -1, count * headDim)]); // [1, T, count * headDim]
  const operands = [
    asBatch(turned(q!, heads), heads),
    asBatch(turned(k!, kvHeads), kvHeads),
    asBatch(context.name(v!), kvHeads),
    cache.pastKeys,
    cache.pastValues,
    last,
    total,
    ...(inside ? [inside.cos, inside.sin] : []),
  ];
  const mixed = builder.unique("GroupQueryAttention"); // [1, T, heads * headDim]
  builder.named("GroupQueryAttention", operands, [mixed, cache.presentKeys, cache.presentValues], {
    domain: "com.microsoft",
    attributes: attributesOf(attrs, inside !== undefined),
  });
  return builder.node("Reshape", [mixed, builder.int64s(-1, heads * headDim)]);
}

function attributesOf(attrs: AttentionAttrs, rotates: boolean): Record<string, ShortAttribute> {
  const { heads, kvHeads, scale, softCap, window, rope } = attrs;
  return {
    num_heads: heads,
    kv_num_heads: kvHeads,
    scale: { float: scale },
    ...(softCap !== undefined && { softcap: { float: softCap } }),
    // Since ONNX Runtime 1.23 the window counts the token itself, as core's does.
    ...(window !== undefined && { local_window_size: window }),
    ...(rotates && { do_rotary: 1, rotary_interleaved: rope!.interleaved ? 1 : 0 }),
  };
}
