/** GGUF files: read, write and split them. The public face of this folder. */
export { GGML_TYPES, type GgmlType } from "./ggml-types.js";
export { type GgufHeader, readGgufHeader } from "./header.js";
export type { GgufMetadata, GgufValueInfo } from "./metadata.js";
export { type GgufModelFile, openGguf } from "./model-file.js";
export { type SplitOptions, splitGguf } from "./split.js";
export type { GgufTensor } from "./tensors.js";
export type { GgufTypedValue, GgufValue, GgufValueType } from "./values.js";
export type { PlacedTensor } from "./weights.js";
export { type ByteSink, type GgufContents, type GgufTensorContents, writeGguf } from "./writer.js";
