/**
 * Granite 3, dense: Llama with multipliers on embeddings, scores and what branches add, and a divisor on logits.
 * Weights: llama's. Keys: llama's, embedding_scale, residual_scale, logit_scale (all default 1), attention.scale (default:
 * 1 / sqrt(headDim)).
 */
import { defineDecoder } from "./decoder/define.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import type { Architecture } from "./definition.js";

export const granite: Architecture = {
  name: "granite",
  async define(files) {
    const { config, sizes, spec } = await readLlamaLike("granite", files, { permuted: true });
    const multiplier = (key: string, fallback = 1) => config.number(key, { fallback, min: 1e-6 });
    const scales = {
      embeddingScale: multiplier("embedding_scale"),
      residualScale: multiplier("residual_scale"),
      attentionScale: multiplier("attention.scale", 1 / Math.sqrt(sizes.headDim)),
      logitScale: 1 / multiplier("logit_scale"),
    };
    return defineDecoder("granite", { ...spec, ...scales }, files.weights);
  },
};
