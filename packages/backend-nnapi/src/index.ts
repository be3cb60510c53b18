/** @millet/backend-nnapi: Android's accelerator through ONNX Runtime. Importing it has no side effect and needs no runtime. */
export {
  type CheckNnapiOptions,
  checkNnapi,
  DEFAULT_API_LEVEL,
  type NnapiNodeReport,
  type NnapiReport,
} from "./check/check.js";
export type { Breach, Rule, RuleContext } from "./check/rule.js";
export { NNAPI_RULES } from "./check/rules/index.js";
