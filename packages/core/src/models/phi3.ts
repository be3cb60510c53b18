/**
 * Phi-3, Phi-3.5 and Phi-4, dense (arXiv 2404.14219): Llama with q, k and v in one tensor, gate and up in another, LongRoPE.
 * Weights: llama's, but blk.N.attn_qkv (rows of q, then k, then v) and blk.N.ffn_up (rows of gate, then up), of which we
 * take views; rope_factors_{short,long}. Keys: llama's.
 */
import { defineDecoder } from "./decoder/define.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import type { Architecture } from "./definition.js";
import { queryKeyValueRows, splitFused } from "./fused.js";

export const phi3: Architecture = {
  name: "phi3",
  async define(files) {
    const { sizes, spec } = await readLlamaLike("phi3", files);
    const gateUp = { ffn_gate: sizes.feedForward, ffn_up: sizes.feedForward };
    const isSplit = files.weights.has("blk.0.ffn_gate.weight");
    const fused = { attn_qkv: queryKeyValueRows(sizes), ...(!isSplit && { ffn_up: gateUp }) };
    return defineDecoder("phi3", spec, splitFused(files.weights, fused));
  },
};
