/** Containers of models: the public face of this folder. Each container has its own besides. */

export type { HuggingFaceModelFile } from "./huggingface/index.js";
export { changedFileError, checkSameFiles, type FileIdentity } from "./identity.js";
export type { ModelContainer, ModelFile, ModelTensor } from "./model-file.js";
export { type OpenOptions, openContainer } from "./open.js";
export { QUANTIZE_CHOICES, type QuantizeChoice } from "./quantize.js";
