/** rms_norm: root mean square layer normalization (Zhang and Sennrich 2019, arXiv 1910.07467). */
import type { OpDef } from "../graph/op.js";
import { inferNorm, meanOf, type NormAttrs, normalizeGroups } from "./norm.js";

export type RmsNormAttrs = NormAttrs;

/**
 * y = x / sqrt(mean(x^2) + epsilon) * weight, with the mean over a group of columns.
 * Inputs: x f32[T, N], weight f32[N] or, shared by all groups, f32[N / groups]. Output: f32[T, N].
 */
export const rmsNorm: OpDef<"rms_norm", RmsNormAttrs> = {
  op: "rms_norm",
  rowInputs: 1,
  infer: (inputs, attrs) => inferNorm("rms_norm", inputs, attrs, 2),
  reference: (inputs, { epsilon, groups = 1 }) => [
    normalizeGroups(inputs, groups, (group) => ({
      mean: 0,
      factor: 1 / Math.sqrt(meanOf(group, (x) => x * x) + epsilon),
    })),
  ],
};
