/**
 * GPT-2 (Radford et al. 2019): learned positions, LayerNorm, biases everywhere, GELU (its tanh form) without a gate.
 * Weights: token_embd, position_embd, blk.N.attn_norm, blk.N.attn_qkv (rows of q, then k, then v; we take views),
 * blk.N.attn_output, blk.N.ffn_{norm,up,down}, output_norm, output unless tied; all but embeddings and output with
 * biases. Keys: those of decoder/sizes.ts and attention.layer_norm_epsilon.
 */
import { ConfigReader } from "./config.js";
import { defineDecoder } from "./decoder/define.js";
import { readSizes } from "./decoder/sizes.js";
import type { DecoderSpec } from "./decoder/spec.js";
import type { Architecture } from "./definition.js";
import { queryKeyValueRows, splitFused } from "./fused.js";

export const gpt2: Architecture = {
  name: "gpt2",
  async define({ metadata, weights }) {
    const config = new ConfigReader("gpt2", metadata);
    const sizes = readSizes(config, weights);
    const spec: DecoderSpec = {
      sizes,
      norm: { kind: "layer", epsilon: config.number("attention.layer_norm_epsilon", { min: 0, max: 1 }) },
      attention: () => ({}),
      learnedPositions: true,
      activation: { kind: "gelu_tanh", gated: false },
      biases: ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"],
    };
    return defineDecoder("gpt2", spec, splitFused(weights, { attn_qkv: queryKeyValueRows(sizes) }));
  },
};
