/** @millet/backend-nnapi: Android's accelerator through ONNX Runtime. Importing it has no side effect and needs no runtime. */
export { type CalibratedModel, type CalibrateOptions, calibrate } from "./calibrate/calibrate.js";
export { modelDigest } from "./calibrate/digest.js";
export {
  type ActivationRange,
  type ActivationScales,
  type ColumnRanges,
  type LinearRanges,
  parseActivationScales,
} from "./calibrate/scales.js";
export {
  type CheckNnapiOptions,
  checkNnapi,
  DEFAULT_API_LEVEL,
  type NnapiNodeReport,
  type NnapiReport,
} from "./check/check.js";
export type { Breach, Rule, RuleContext } from "./check/rule.js";
export { NNAPI_RULES } from "./check/rules/index.js";
