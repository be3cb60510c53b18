/** Tokenizers: text to token ids and back. Stands on errors alone. */
export { describeGgufTokenizer, type MetadataMap } from "./describe-gguf.js";
export { PRE_TOKENIZER_NAMES } from "./gguf-pre-tokenizers.js";
export { type HuggingFaceTokenizerFiles, huggingFaceTokenizer } from "./huggingface/index.js";
export { modelTokenizer } from "./model-tokenizer.js";
export { createTokenizer, ggufTokenizer } from "./tokenizer.js";
export {
  type DecodeOptions,
  type EncodeOptions,
  type StreamDecoder,
  type TextSegment,
  TOKEN_KINDS,
  type Tokenizer,
  type TokenizerDescription,
  type TokenizerKind,
  type TokenKind,
} from "./types.js";
