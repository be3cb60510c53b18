/** The backend interface, what backends share, and the reference backend. */

export {
  KV_BLOCK_ROWS,
  KV_DTYPES,
  type KvDType,
  type KvPlan,
  type KvSnapshot,
  kvElementsPerRow,
} from "../graph/kv.js";
export type {
  Backend,
  BackendFactory,
  Call,
  Capabilities,
  DeviceBuffer,
  Estimate,
  Executable,
  GraphSet,
  LoadedModel,
  LoadOptions,
  LoadProgress,
  PackedFileReport,
  State,
} from "./backend.js";
export { type ActiveRows, checkCall, hostInputs, isDeviceBuffer, outputSpec } from "./call.js";
export { checkIndices, type InputData } from "./check-indices.js";
export { reference } from "./reference/reference.js";
export { KV_Q8_0_ELEMENTS, roundKv } from "./round-kv.js";
