/**
 * The Llama architecture (Touvron et al. 2023, arXiv 2302.13971): RMSNorm, RoPE, grouped-query attention, SwiGLU; and what
 * is built alike: Mistral (sliding window), SmolLM2, MiLM's assumed shapes.
 * Weights: blk.N.attn_{norm,q,k,v,output}, blk.N.ffn_{norm,gate,up,down}, output_norm, token_embd, output unless tied,
 * rope_freqs (Llama 3's factors). Keys: those of decoder/{sizes,rope,windows}.ts and attention.layer_norm_rms_epsilon.
 */
import { defineDecoder } from "./decoder/define.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import type { Architecture } from "./definition.js";

export const llama: Architecture = {
  name: "llama",
  async define(files) {
    const { spec } = await readLlamaLike("llama", files, { permuted: true });
    return defineDecoder("llama", spec, files.weights);
  },
};
