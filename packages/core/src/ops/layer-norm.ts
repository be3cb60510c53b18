/** layer_norm: layer normalization (Ba et al. 2016, arXiv 1607.06450). */
import type { OpDef } from "../graph/op.js";
import { inferNorm, meanOf, type NormAttrs, normalizeGroups } from "./norm.js";

export type LayerNormAttrs = NormAttrs;

/**
 * y = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias, with mean and variance (that of the whole population)
 * over a group of columns. Inputs: x f32[T, N], weight f32[N] or, shared by all groups, f32[N / groups], perhaps a bias as
 * long as the weight. Output: f32[T, N].
 */
export const layerNorm: OpDef<"layer_norm", LayerNormAttrs> = {
  op: "layer_norm",
  rowInputs: 1,
  infer: (inputs, attrs) => inferNorm("layer_norm", inputs, attrs, 3),
  reference: (inputs, { epsilon, groups = 1 }) => [
    normalizeGroups(inputs, groups, (group) => {
      const mean = meanOf(group, (x) => x);
      return { mean, factor: 1 / Math.sqrt(meanOf(group, (x) => (x - mean) ** 2) + epsilon) };
    }),
  ],
};
