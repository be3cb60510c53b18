/** geglu: gelu(gate) * up, the gated activation of Gemma's feed-forward (Shazeer 2020, arXiv 2002.05202). */
import type { OpDef } from "../graph/op.js";
import { binary } from "./elementwise.js";
import { checkGelu, type GeluAttrs, gelu, geluOf } from "./gelu.js";
import { mul } from "./mul.js";

/** Inputs: gate f32[T, N], up f32[T, N]. Output: f32[T, N]. */
export const geglu: OpDef<"geglu", GeluAttrs> = {
  ...binary(
    "geglu",
    (gate, up, attrs: GeluAttrs) => geluOf(gate, attrs) * up,
    (attrs, inputs) => checkGelu("geglu", attrs, inputs),
  ),
  decompose(graph, [gate, up], attrs) {
    return [graph.emitOne(mul, [graph.emitOne(gelu, [gate!], attrs), up!], {})];
  },
};
