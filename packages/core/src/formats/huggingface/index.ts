/** Hugging Face folders as models. The public face of this folder. */
export { type HuggingFaceModelFile, type HuggingFaceOptions, openHuggingFace } from "./open.js";
