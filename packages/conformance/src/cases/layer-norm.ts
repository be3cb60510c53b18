/** Cases of layer_norm: odd sizes, values far from 0, with and without bias, groups. */
import { layerNorm } from "@millet/core/ops";
import type { OpCase } from "../case.js";
import { GROUPED_SHAPES, type NormShape, normCases } from "./norm.js";

const SHAPES: readonly NormShape[] = [
  { rows: 1, columns: 1, calls: [1], bias: true },
  { rows: 1, columns: 384, calls: [1] },
  { rows: 1, columns: 768, calls: [1], bias: true },
  { rows: 4, columns: 33, calls: [4, 1], scale: 1e-3, bias: true },
  { rows: 129, columns: 64, calls: [129, 2, 0], scale: 1e3, bias: true },
  { rows: 2, columns: 2048, calls: [2], mean: 30, bias: true },
  { rows: 3, columns: 45, calls: [3, 1], groups: 5, mean: -3, sharedWeight: true, bias: true },
];

/** The mean may be kept as float32: what that costs grows with its distance from 0. */
export const layerNormCases: readonly OpCase[] = normCases(layerNorm, [...SHAPES, ...GROUPED_SHAPES], 1e-10);
