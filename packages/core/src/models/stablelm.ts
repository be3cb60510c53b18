/**
 * StableLM 3B and StableLM 2 (arXiv 2402.17834): LayerNorm, RoPE on a part of each head; in the larger ones a parallel
 * residual and LayerNorm on each head of q and k.
 * Weights: llama's with norms' biases; blk.N.attn_{q,k}_norm [heads, headDim] where there are such norms; a file without
 * blk.N.ffn_norm has the parallel residual. Keys: those of decoder/{sizes,rope}.ts and attention.layer_norm_epsilon.
 */
import type { WeightSources } from "../tensor/weights.js";
import { ConfigReader } from "./config.js";
import { defineDecoder } from "./decoder/define.js";
import { readRope } from "./decoder/rope.js";
import { readSizes } from "./decoder/sizes.js";
import type { Architecture } from "./definition.js";
import { reshaped, withViews } from "./views.js";

export const stablelm: Architecture = {
  name: "stablelm",
  async define({ metadata, weights }) {
    const config = new ConfigReader("stablelm", metadata);
    const sizes = readSizes(config, weights);
    const epsilon = config.number("attention.layer_norm_epsilon", { min: 0, max: 1 });
    const rope = await readRope(config, weights, { headDim: sizes.headDim, interleaved: false });
    const spec = {
      sizes,
      norm: { kind: "layer", epsilon },
      attention: (_: number, contextTokens: number) => ({ rope: rope(contextTokens) }),
      parallel: !weights.has("blk.0.ffn_norm.weight"),
      queryKeyNorm: weights.has("blk.0.attn_q_norm.weight") ? "own" : undefined,
    } as const;
    return defineDecoder("stablelm", spec, flattenHeadNorms(weights));
  },
};

/** A norm's weight is a vector wherever it is used. */
function flattenHeadNorms(weights: WeightSources): WeightSources {
  return withViews(weights, (name, source) => {
    const { shape } = source.spec;
    const [heads, headDim] = shape;
    if (!/\.attn_[qk]_norm\.weight$/.test(name) || shape.length !== 2) return undefined;
    return [[name, reshaped(source, [heads! * headDim!])]];
  });
}
