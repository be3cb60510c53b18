/**
 * Nomic BERT (Nussbaum et al. 2024, arXiv 2402.01613): BERT with RoPE (halves), SwiGLU and no biases. Weights: those of
 * encoder.ts with blk.N.attn_qkv and blk.N.ffn_gate. Keys: those of encoder.ts and decoder/rope.ts.
 */
import { ConfigReader } from "./config.js";
import { readRope } from "./decoder/rope.js";
import { readSizes } from "./decoder/sizes.js";
import type { Architecture } from "./definition.js";
import { defineEncoder } from "./encoder.js";

export const nomicBert: Architecture = {
  name: "nomic-bert",
  async define({ metadata, weights }) {
    const config = new ConfigReader("nomic-bert", metadata);
    const { headDim } = readSizes(config, weights);
    const rope = await readRope(config, weights, { headDim, interleaved: false });
    return defineEncoder(config, weights, {
      attention: (_, contextTokens) => ({ rope: rope(contextTokens) }),
    });
  },
};
