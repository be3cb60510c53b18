/**
 * The Llama architecture (Touvron et al. 2023, arXiv 2302.13971): RMSNorm, RoPE, grouped-query attention, SwiGLU; and what
 * is built alike: Mistral (sliding window), SmolLM2, MiLM's assumed shapes.
 * Weights: blk.N.attn_{norm,q,k,v,output}, blk.N.ffn_{norm,gate,up,down}, output_norm, token_embd, output unless tied,
 * rope_freqs (Llama 3's factors). Keys besides those of sizes.ts and rope.ts: attention.layer_norm_rms_epsilon,
 * attention.sliding_window. Rows of q and k: interleaved pairs in GGUF, halves in Hugging Face files.
 */
import { ConfigReader } from "./config.js";
import { defineDecoder } from "./decoder/define.js";
import { ropeAttrs } from "./decoder/rope.js";
import { readSizes } from "./decoder/sizes.js";
import type { Architecture } from "./definition.js";

export const llama: Architecture = {
  name: "llama",
  async define({ metadata, weights, container }) {
    const config = new ConfigReader("llama", metadata);
    const sizes = readSizes(config, weights);
    const epsilon = config.number("attention.layer_norm_rms_epsilon", { min: 0, max: 1 });
    const window = config.has("attention.sliding_window")
      ? config.integer("attention.sliding_window")
      : undefined;
    const rope = await ropeAttrs(config, weights, sizes.headDim, container === "gguf");
    const attention = () => ({ rope, window });
    return defineDecoder("llama", { sizes, norm: { kind: "rms", epsilon }, attention }, weights);
  },
};
