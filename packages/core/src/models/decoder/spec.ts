/**
 * How a decoder differs from the plainest one, as data: what an architecture file writes down. Everything optional has
 * Llama's value as its default. Weights are named as in GGUF; those of a layer without their "blk.<layer>.".
 */
import type { RopeAttrs } from "../../ops/index.js";
import type { DecoderSizes } from "./sizes.js";

export interface NormSpec {
  /** RMSNorm, or LayerNorm with a bias where the file has one. */
  readonly kind: "rms" | "layer";
  readonly epsilon: number;
}

/** Names of norms around a branch (attention or feed-forward) f: sum(x + output(f(input(x)))), each only where named. */
export interface BranchNorms {
  readonly input?: string;
  readonly output?: string;
  readonly sum?: string;
}

/** Gated: down(act(gate(x)) * up(x)). Otherwise down(act(up(x))). */
export interface Activation {
  readonly kind: "silu" | "gelu" | "gelu_tanh";
  readonly gated: boolean;
}

/** What may differ from layer to layer. */
export interface LayerAttention {
  /** Rotation of queries and keys; none in layers without positions. */
  readonly rope?: RopeAttrs | undefined;
  /** A key is visible if query position - key position < window. */
  readonly window?: number | undefined;
}

export interface DecoderSpec {
  readonly sizes: DecoderSizes;
  readonly norm: NormSpec;
  /** @param contextTokens most tokens of a sequence in the step that is built */
  attention(layer: number, contextTokens: number): LayerAttention;
  /** Default: attn_norm and ffn_norm before their branches. */
  readonly norms?: { readonly attention: BranchNorms; readonly feedForward: BranchNorms };
  /** Feed-forward reads the attention's normalized input, and both are added to x. Default false. */
  readonly parallel?: boolean;
  /** Default: SiLU, gated (SwiGLU). */
  readonly activation?: Activation;
  /**
   * Norms of queries and keys before their rotation, attn_q_norm and attn_k_norm. "heads": of each head, with one weight
   * for all; "own": of each head, with a weight for each; "row": of all heads as one row. Default: none.
   */
  readonly queryKeyNorm?: "heads" | "own" | "row" | undefined;
  /** Default: every key that is not after the query. Encoders say false. */
  readonly causal?: boolean;
  /** Factor on scores. Default: 1 / sqrt(headDim). */
  readonly attentionScale?: number | undefined;
  /** cap * tanh(score / cap). */
  readonly attentionSoftCap?: number | undefined;
  /** Learned positions: rows of position_embd.weight are added to the embedding. */
  readonly learnedPositions?: boolean;
  /** Types of text, such as question and answer: so many rows of token_types.weight, one of which is added likewise. */
  readonly tokenTypes?: number | undefined;
  /** A norm of the embedding. Default: none. */
  readonly embeddingNorm?: string;
  /** Whether there is output_norm after the last layer. Default true. */
  readonly finalNorm?: boolean;
  /** Factors on embeddings, on what a branch adds, and on logits. Default 1. */
  readonly embeddingScale?: number;
  readonly residualScale?: number;
  readonly logitScale?: number;
  /** cap * tanh(logit / cap). */
  readonly logitSoftCap?: number | undefined;
  /** Dense layers whose bias must be there, such as "attn_q". Others have one where the file has one. */
  readonly biases?: readonly string[];
}

export const PRE_NORMS = {
  attention: { input: "attn_norm" },
  feedForward: { input: "ffn_norm" },
} as const satisfies DecoderSpec["norms"];
