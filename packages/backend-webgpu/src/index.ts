/** @millet/backend-webgpu: inference on the GPU, in browsers and in Node. Importing it has no side effect. */
export type { UnavailableReason } from "./device/unavailable.js";
export {
  inspectWebgpu,
  type WebgpuDeviceReport,
  type WebgpuPackage,
  type WebgpuReport,
} from "./inspect.js";
export type {
  DispatchTrace,
  OptionalFeature,
  PromptRounding,
  TuningStore,
  WebgpuOptions,
} from "./options.js";
export { webgpu } from "./webgpu.js";
