/** @millet/backend-nnapi/onnx: a backend on any injected ONNX Runtime. Importing it has no side effect and needs no runtime. */
export { type OnnxRuntimeOptions, onnxRuntime } from "./onnx-backend/backend.js";
export type { OrtElement, OrtLike, OrtSession, OrtSessionOptions, OrtTensor } from "./runtime/ort.js";
