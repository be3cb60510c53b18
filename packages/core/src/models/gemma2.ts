/**
 * Gemma 2 (arXiv 2408.00118): norms before and after each branch, GeGLU, embeddings times sqrt(hidden), soft caps on scores
 * and logits, a sliding window in every other layer.
 * Weights: llama's, blk.N.post_attention_norm, blk.N.post_ffw_norm; norms hold 1 + w, as GGUF stores them. Keys: llama's,
 * attn_logit_softcapping, final_logit_softcapping, attention.scale (default: as llama.cpp knows it by the layers).
 */
import { defineDecoder } from "./decoder/define.js";
import { gemmaAttentionScale, gemmaSpec } from "./decoder/gemma.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import type { Architecture } from "./definition.js";

const LAYERS_OF_27B = 46;

export const gemma2: Architecture = {
  name: "gemma2",
  async define(files) {
    const { config, spec } = await readLlamaLike("gemma2", files, { windowPeriod: 2 });
    const cap = (key: string, fallback: number) => config.number(key, { fallback, min: 1e-3 });
    const gemma = {
      ...gemmaSpec(spec),
      attentionScale: gemmaAttentionScale(config, spec.sizes, LAYERS_OF_27B),
      attentionSoftCap: cap("attn_logit_softcapping", 50),
      logitSoftCap: cap("final_logit_softcapping", 30),
    };
    return defineDecoder("gemma2", gemma, files.weights);
  },
};
