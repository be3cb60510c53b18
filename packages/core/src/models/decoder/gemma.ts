/** What Gemma 2 and 3 share: norms on both sides of each branch, GeGLU, scaled embeddings, their own factor on scores. */
import type { ConfigReader } from "../config.js";
import type { DecoderSizes } from "./sizes.js";
import type { DecoderSpec } from "./spec.js";

export function gemmaSpec(spec: DecoderSpec): DecoderSpec {
  return {
    ...spec,
    norms: {
      attention: { input: "attn_norm", output: "post_attention_norm" },
      feedForward: { input: "ffn_norm", output: "post_ffw_norm" },
    },
    activation: { kind: "gelu_tanh", gated: true },
    embeddingScale: Math.sqrt(spec.sizes.hidden),
  };
}

/**
 * GGUF files of Gemma do not have the factor: it is 1 / sqrt(headDim), but in the model of 27 billion parameters, which is
 * known by its layers, 1 / sqrt(hidden / heads). Key: attention.scale.
 */
export function gemmaAttentionScale(config: ConfigReader, sizes: DecoderSizes, layersOf27B: number): number {
  const { layers, hidden, heads, headDim } = sizes;
  const fallback = 1 / Math.sqrt(layers === layersOf27B ? hidden / heads : headDim);
  return config.number("attention.scale", { fallback, min: 1e-6 });
}
