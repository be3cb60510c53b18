/**
 * BERT (Devlin et al. 2018, arXiv 1810.04805), and what is built alike: RoBERTa and XLM-R, MiniLM, BGE, E5, GTE.
 * Learned positions, GELU (exact) without a gate, biases everywhere. Weights: those of encoder.ts and position_embd;
 * RoBERTa's without the two rows of the padding token. Keys: those of encoder.ts.
 */
import { ConfigReader } from "./config.js";
import type { Architecture } from "./definition.js";
import { defineEncoder } from "./encoder.js";

export const bert: Architecture = {
  name: "bert",
  define: async ({ metadata, weights }) =>
    defineEncoder(new ConfigReader("bert", metadata), weights, {
      attention: () => ({}),
      learnedPositions: true,
      activation: { kind: "gelu", gated: false },
      biases: ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"],
    }),
};
