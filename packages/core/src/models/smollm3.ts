/**
 * SmolLM3: Llama without positions (NoPE) in every fourth layer.
 * Weights: llama's. Keys: llama's, rope.layer_pattern (booleans, one a layer: whether it rotates; GGUF has no key for it).
 */
import { defineDecoder } from "./decoder/define.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import type { Architecture } from "./definition.js";

const NO_ROPE_PERIOD = 4;

export const smollm3: Architecture = {
  name: "smollm3",
  async define(files) {
    const { config, sizes, spec } = await readLlamaLike("smollm3", files, { permuted: true });
    const pattern = config.flags("rope.layer_pattern", sizes.layers);
    const rotates = (layer: number) => pattern?.[layer] ?? (layer + 1) % NO_ROPE_PERIOD !== 0;
    const attention: typeof spec.attention = (layer, contextTokens) => {
      const { rope, window } = spec.attention(layer, contextTokens);
      return { rope: rotates(layer) ? rope : undefined, window };
    };
    return defineDecoder("smollm3", { ...spec, attention }, files.weights);
  },
};
