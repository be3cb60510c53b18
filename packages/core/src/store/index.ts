/** Where model files come from: the public face of this folder. */
export { openSource } from "./open.js";
export { rememberSource, type SourceRecipe } from "./remember.js";
export type { ByteSource, FileLocation, ModelFiles, ModelSource, SourceOptions } from "./source.js";
