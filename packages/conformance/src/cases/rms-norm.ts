/** Cases of rms_norm: odd sizes, tiny and huge values, groups. */
import { rmsNorm } from "@millet/core/ops";
import type { OpCase } from "../case.js";
import { GROUPED_SHAPES, type NormShape, normCases } from "./norm.js";

const SHAPES: readonly NormShape[] = [
  { rows: 1, columns: 1, calls: [1] },
  { rows: 1, columns: 576, calls: [1] },
  { rows: 4, columns: 33, calls: [4, 1], scale: 1e-4 },
  { rows: 129, columns: 64, calls: [129, 2, 0], scale: 1e3 },
  { rows: 2, columns: 2048, calls: [2], scale: 30 },
  { rows: 2, columns: 7, calls: [2, 1], groups: 7 },
];

export const rmsNormCases: readonly OpCase[] = normCases(rmsNorm, [...SHAPES, ...GROUPED_SHAPES], 1e-11);
