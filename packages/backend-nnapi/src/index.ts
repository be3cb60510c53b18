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
export { type NnapiFactory, nnapi } from "./nnapi/nnapi.js";
export { CANDIDATES, type CandidateName, type NnapiOptions } from "./nnapi/options.js";
export type {
  CandidateNumerics,
  CandidateReport,
  MemoryReport,
  NnapiPlan,
  PlanReason,
} from "./nnapi/plan.js";
export type { RuntimeFiles } from "./runtime/files.js";
export { nodeFiles } from "./runtime/node-files.js";
export type {
  OrtElement,
  OrtLike,
  OrtProvider,
  OrtSession,
  OrtSessionOptions,
  OrtTensor,
} from "./runtime/ort.js";
