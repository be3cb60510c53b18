/** The sizes that every decoder has, read from the keys that all architectures share and checked. */
import type { WeightSources } from "../../tensor/weights.js";
import type { ConfigReader } from "../config.js";

export interface DecoderSizes {
  readonly layers: number;
  readonly hidden: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Size of a query or key head. */
  readonly headDim: number;
  readonly valueDim: number;
  readonly vocabularySize: number;
  /** Tokens that the model was trained to attend over. */
  readonly contextLength: number;
}

/** Far above any model; tables of rotations are made before weights tell whether a size can be true. */
const MAX_HEAD_DIM = 1 << 16;

/**
 * Keys: block_count, embedding_length, feed_forward_length, attention.head_count, attention.head_count_kv (default: as
 * many), attention.key_length and value_length (default: hidden / heads), vocab_size (default: rows of the embedding),
 * context_length.
 * @throws MilletError MODEL_BAD_CONFIG
 */
export function readSizes(config: ConfigReader, weights: WeightSources): DecoderSizes {
  const hidden = config.integer("embedding_length");
  const heads = config.integer("attention.head_count");
  const headDim = config.integer("attention.key_length", {
    fallback: Math.floor(hidden / heads),
    max: MAX_HEAD_DIM,
  });
  if (config.integer("expert_count", { fallback: 0, min: 0 }) > 0) {
    throw config.unsupported("expert_count", "mixture of experts", "dense models");
  }
  const vocabulary = weights.get("token_embd.weight")?.spec.shape[0] ?? 1;
  return {
    layers: config.integer("block_count", { max: 1024 }),
    hidden,
    feedForward: config.integer("feed_forward_length"),
    heads,
    kvHeads: config.integer("attention.head_count_kv", { fallback: heads, max: heads }),
    headDim,
    valueDim: config.integer("attention.value_length", { fallback: headDim, max: MAX_HEAD_DIM }),
    vocabularySize: config.integer("vocab_size", { fallback: vocabulary }),
    contextLength: config.integer("context_length", { fallback: 2048 }),
  };
}
