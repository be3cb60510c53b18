/**
 * What encoders have in common: every token sees the whole text, norms stand after each branch's sum, embeddings are those
 * of token and type (0 throughout), normalized; the last layer's rows are the result. Weights: token_embd, token_types,
 * token_embd_norm, blk.N.attn_qkv or blk.N.attn_{q,k,v}, blk.N.attn_output, blk.N.attn_output_norm, blk.N.ffn_*,
 * blk.N.layer_output_norm. Keys: those of decoder/sizes.ts, attention.layer_norm_epsilon, attention.causal.
 */

import type { WeightSources } from "../tensor/weights.js";
import type { ConfigReader } from "./config.js";
import { defineDecoder } from "./decoder/define.js";
import { readSizes } from "./decoder/sizes.js";
import type { DecoderSpec } from "./decoder/spec.js";
import type { ModelDefinition } from "./definition.js";
import { queryKeyValueRows, splitFused } from "./fused.js";

/** How an encoder differs from others. */
export type EncoderTraits = Pick<DecoderSpec, "attention" | "activation" | "learnedPositions" | "biases">;

/** @throws MilletError MODEL_BAD_CONFIG, MODEL_TENSOR_* */
export function defineEncoder(
  config: ConfigReader,
  weights: WeightSources,
  traits: EncoderTraits,
): ModelDefinition {
  if (config.boolean("attention.causal", false)) throw config.unsupported("attention.causal", true, "false");
  const sizes = readSizes(config, weights);
  const spec: DecoderSpec = {
    ...traits,
    sizes,
    norm: { kind: "layer", epsilon: config.number("attention.layer_norm_epsilon", { min: 0, max: 1 }) },
    norms: { attention: { sum: "attn_output_norm" }, feedForward: { sum: "layer_output_norm" } },
    causal: false,
    tokenTypes: weights.get("token_types.weight")?.spec.shape[0],
    embeddingNorm: "token_embd_norm",
    finalNorm: false,
  };
  return defineDecoder(
    config.architecture,
    spec,
    splitFused(weights, { attn_qkv: queryKeyValueRows(sizes) }),
  );
}
