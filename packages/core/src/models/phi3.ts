/**
 * Phi-3, Phi-3.5 and Phi-4, dense (arXiv 2404.14219): Llama with q, k and v in one tensor, gate and up in another, LongRoPE.
 * Weights: llama's, but blk.N.attn_qkv (rows of q, then k, then v) and blk.N.ffn_up (rows of gate, then up), of which we
 * take views; rope_factors_{short,long}. Keys: llama's.
 */
import type { WeightSource, WeightSources } from "../tensor/weights.js";
import { defineDecoder } from "./decoder/define.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import type { DecoderSizes } from "./decoder/sizes.js";
import type { Architecture } from "./definition.js";
import { rowsOf, withViews } from "./views.js";
import { requireWeight } from "./weights.js";

export const phi3: Architecture = {
  name: "phi3",
  async define(files) {
    const { sizes, spec } = await readLlamaLike("phi3", files);
    return defineDecoder("phi3", spec, splitWeights(files.weights, sizes));
  },
};

/** @throws MilletError MODEL_TENSOR_SHAPE */
function splitWeights(weights: WeightSources, sizes: DecoderSizes): WeightSources {
  const { hidden, feedForward, heads, kvHeads, headDim, valueDim } = sizes;
  const parts: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    attn_qkv: { attn_q: heads * headDim, attn_k: kvHeads * headDim, attn_v: kvHeads * valueDim },
    ffn_up: { ffn_gate: feedForward, ffn_up: feedForward },
  };
  return withViews(weights, (name) => {
    const [, prefix, fused] = /^(blk\.\d+\.)(\w+)\.weight$/.exec(name) ?? [];
    const rows = fused === undefined ? undefined : parts[fused];
    if (!rows || weights.has(`${prefix}ffn_gate.weight`)) return undefined;
    const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
    return splitRows(requireWeight(weights, name, [total, hidden]), rows, `${prefix}`);
  });
}

function splitRows(source: WeightSource, rows: Readonly<Record<string, number>>, prefix: string) {
  let first = 0;
  return Object.entries(rows).map(([name, count]) => {
    const part = rowsOf(source, first, count);
    first += count;
    return [`${prefix}${name}.weight`, part] as const;
  });
}
