/** @millet/backend-webgpu: inference on the GPU, in browsers and in Node. Importing it has no side effect. */
export type { DispatchTrace, OptionalFeature, WebgpuOptions } from "./options.js";
