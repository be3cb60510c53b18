/** swiglu: silu(gate) * up, the gated activation of Llama's feed-forward (Shazeer 2020, arXiv 2002.05202). */
import type { OpDef } from "../graph/op.js";
import { binary, type NoAttrs } from "./elementwise.js";
import { mul } from "./mul.js";
import { silu } from "./silu.js";

/** Inputs: gate f32[T, N], up f32[T, N]. Output: f32[T, N]. */
export const swiglu: OpDef<"swiglu", NoAttrs> = {
  ...binary("swiglu", (gate, up) => (gate / (1 + Math.exp(-gate))) * up),
  decompose(graph, [gate, up]) {
    return [graph.emitOne(mul, [graph.emitOne(silu, [gate!], {}), up!], {})];
  },
};
