/** safetensors files: headers and shards. The public face of this folder. */
export {
  type Checkpoint,
  INDEX_FILE,
  type OpenFile,
  openCheckpoint,
  openOptional,
  SINGLE_FILE,
  type StoredTensor,
} from "./checkpoint.js";
export { SAFETENSORS_TYPES, type SafetensorsType } from "./dtypes.js";
export { readSafetensorsHeader, type SafeTensor, type SafetensorsHeader } from "./header.js";
export { type SafetensorsContents, writeSafetensors } from "./writer.js";
