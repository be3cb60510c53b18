/**
 * MiMo-7B (Xiaomi 2025, arXiv 2505.07608): Qwen2 with a layer of multi-token prediction (MTP), which predicts the token
 * after next from a hidden state and the next token's embedding. llama.cpp knows no such architecture: its files of
 * MiMo-7B say "qwen2" and lack the layer.
 * Weights: qwen2's; those of the MTP layer as of a decoder layer that follows the others, with blk.N.nextn.enorm
 * (token_layernorm), .hnorm (hidden_layernorm), .eh_proj (input_proj: columns for the hidden state, then for the embedding)
 * and .shared_head_norm (final_layernorm). Keys: llama's; block_count counts all layers, nextn_predict_layers (0 or 1) those
 * of MTP.
 */
import type { WeightSources } from "../tensor/weights.js";
import { defineDecoder } from "./decoder/define.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import { defineMtp, MTP_PROJECTION } from "./decoder/mtp.js";
import type { Architecture } from "./definition.js";
import { QWEN2_BIASES } from "./qwen2.js";
import { columnsOf, withViews } from "./views.js";
import { requireWeight } from "./weights.js";

export const mimo: Architecture = {
  name: "mimo",
  async define(files) {
    const all = await readLlamaLike("mimo", files);
    const mtpLayers = all.config.integer("nextn_predict_layers", { fallback: 0, min: 0, max: 1 });
    const layers = all.sizes.layers - mtpLayers;
    const spec = { ...all.spec, sizes: { ...all.sizes, layers }, biases: QWEN2_BIASES };
    if (mtpLayers === 0) return defineDecoder("mimo", spec, files.weights);
    const weights = splitProjection(files.weights, layers, all.sizes.hidden);
    return { ...defineDecoder("mimo", spec, weights), mtp: defineMtp(spec, weights) };
  },
};

/** Two products take the place of that with the joined rows. @throws MilletError MODEL_TENSOR_* */
function splitProjection(weights: WeightSources, layer: number, hidden: number): WeightSources {
  const joined = `blk.${layer}.nextn.eh_proj.weight`;
  const source = requireWeight(weights, joined, [hidden, 2 * hidden]);
  const { ofHidden, ofEmbedding } = MTP_PROJECTION;
  return withViews(weights, (name) =>
    name === joined
      ? [
          [`blk.${layer}.${ofHidden}.weight`, columnsOf(source, 0, hidden)],
          [`blk.${layer}.${ofEmbedding}.weight`, columnsOf(source, hidden, hidden)],
        ]
      : undefined,
  );
}
