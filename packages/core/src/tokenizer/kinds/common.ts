/** What reading most GGUF files takes: the description of a tokenizer, and the kind "bpe". One part for bundlers. */
export { readGgufTokenizer } from "../describe-gguf.js";
export { bpe } from "./bpe.js";
