/**
 * Qwen3, dense (Yang et al. 2025, arXiv 2505.09388): Llama with RMSNorm on each head of q and k, its head size given.
 * Weights: llama's, blk.N.attn_{q,k}_norm of a head's length. Keys: llama's.
 */
import { defineDecoder } from "./decoder/define.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import type { Architecture } from "./definition.js";

export const qwen3: Architecture = {
  name: "qwen3",
  async define(files) {
    const { spec } = await readLlamaLike("qwen3", files);
    return defineDecoder("qwen3", { ...spec, queryKeyNorm: "heads" }, files.weights);
  },
};
