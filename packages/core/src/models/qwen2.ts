/**
 * Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv 2407.10671): Llama with biases on q, k and v.
 * Weights: llama's, blk.N.attn_{q,k,v}.bias. Keys: llama's.
 */
import { defineDecoder } from "./decoder/define.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import type { Architecture } from "./definition.js";

export const QWEN2_BIASES = ["attn_q", "attn_k", "attn_v"];

export const qwen2: Architecture = {
  name: "qwen2",
  async define(files) {
    const { spec } = await readLlamaLike("qwen2", files);
    return defineDecoder("qwen2", { ...spec, biases: QWEN2_BIASES }, files.weights);
  },
};
