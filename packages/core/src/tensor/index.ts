/** Data types, tensor descriptions, host tensors, lazy weights; text from their files, on any engine. */
export { createUtf8Decoder, type Utf8Decoder, type Utf8Options } from "../platform/utf8.js";
export type { ContentOrigin, KnownOrigin } from "./byte-source.js";
export { contentHash } from "./content-hash.js";
export { DTYPES, type DType, type DTypeInfo, isDType } from "./dtype.js";
export {
  byteLength,
  createTensor,
  elementCount,
  formatSpec,
  type HostTensor,
  rowByteLength,
  sameShape,
  sameSpec,
  type TensorSpec,
  tensorOf,
  viewAs,
} from "./tensor.js";
export type { WeightSource, WeightSources } from "./weights.js";
