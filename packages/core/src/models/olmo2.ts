/**
 * OLMo 2 (arXiv 2501.00656): Llama with norms after the branches instead of before, and RMSNorm on q and k, each as one row.
 * Weights: llama's, blk.N.post_attention_norm and blk.N.post_ffw_norm in place of attn_norm and ffn_norm,
 * blk.N.attn_{q,k}_norm as long as q and k. Keys: llama's.
 */
import { defineDecoder } from "./decoder/define.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import type { Architecture } from "./definition.js";

export const olmo2: Architecture = {
  name: "olmo2",
  async define(files) {
    const { spec } = await readLlamaLike("olmo2", files);
    const norms = {
      attention: { output: "post_attention_norm" },
      feedForward: { output: "post_ffw_norm" },
    };
    return defineDecoder("olmo2", { ...spec, norms, queryKeyNorm: "row" }, files.weights);
  },
};
