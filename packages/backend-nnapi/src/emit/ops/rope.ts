/** Rotary position embedding of heads, with the cosines and sines that JavaScript computes in float64. */
import type { Value } from "@millet/core/graph";
import type { RopeAttrs } from "@millet/core/ops";
import type { EmitContext } from "../context.js";

/**
 * @param x f32[tokens, heads * headDim]
 * @returns the same, rotated
 */
export function emitRope(
  context: EmitContext,
  x: string,
  positions: Value,
  { heads, headDim, ...rope }: RopeAttrs & { readonly heads: number; readonly headDim: number },
): string {
  const { builder } = context;
  const feed = context.rotation(rope, positions, "tokens");
  const pairs = rope.inverseFrequencies.length;
  const rotary = 2 * pairs;
  const split = builder.node("Reshape", [x, builder.int64s(-1, heads, headDim)]); // [T, heads, headDim]
  const slice = (from: number, to: number) =>
    builder.node("Slice", [split, builder.int64s(from), builder.int64s(to), builder.int64s(2)]);
  const turned = rope.interleaved
    ? rotatePairs(context, slice(0, rotary), feed.cos, feed.sin, heads, pairs)
    : rotateHalves(context, slice(0, pairs), slice(pairs, rotary), feed.cos, feed.sin, pairs);
  const parts = [...turned, ...(rotary < headDim ? [slice(rotary, headDim)] : [])];
  const joined = parts.length === 1 ? parts[0]! : builder.node("Concat", parts, { attributes: { axis: 2 } });
  return builder.node("Reshape", [joined, builder.int64s(-1, heads * headDim)]);
}

/** Pairs (i, i + pairs). */
function rotateHalves(
  context: EmitContext,
  a: string,
  b: string,
  cos: string,
  sin: string,
  pairs: number,
): string[] {
  const { builder } = context;
  const perHead = (table: string) => builder.node("Reshape", [table, builder.int64s(-1, 1, pairs)]);
  return turn(context, a, b, perHead(cos), perHead(sin));
}

/** Pairs (2i, 2i + 1). */
function rotatePairs(
  context: EmitContext,
  x: string,
  cos: string,
  sin: string,
  heads: number,
  pairs: number,
): string[] {
  const { builder } = context;
  const perPair = (table: string) => builder.node("Reshape", [table, builder.int64s(-1, 1, pairs, 1)]);
  const split = builder.node("Reshape", [x, builder.int64s(-1, heads, pairs, 2)]);
  const [a, b] = builder.nodes("Split", [split, builder.int64s(1, 1)], 2, { attributes: { axis: 3 } });
  const turned = turn(context, a!, b!, perPair(cos), perPair(sin));
  const joined = builder.node("Concat", turned, { attributes: { axis: 3 } });
  return [builder.node("Reshape", [joined, builder.int64s(-1, heads, 2 * pairs)])];
}

/** [a cos - b sin, a sin + b cos] */
function turn({ builder }: EmitContext, a: string, b: string, cos: string, sin: string): string[] {
  const mul = (x: string, y: string) => builder.node("Mul", [x, y]);
  return [builder.node("Sub", [mul(a, cos), mul(b, sin)]), builder.node("Add", [mul(a, sin), mul(b, cos)])];
}
