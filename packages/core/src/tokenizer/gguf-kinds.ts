/** The kinds of tokenizers that GGUF files have, all at hand; model-tokenizer.ts imports the one that it needs. */
import { bpe } from "./kinds/bpe.js";
import type { CreateKind } from "./kinds/kind.js";
import { spm } from "./kinds/spm.js";
import { unigram } from "./kinds/unigram.js";
import { wordpiece } from "./kinds/wordpiece.js";
import type { TokenizerDescription } from "./types.js";

export const GGUF_KINDS: Readonly<Record<TokenizerDescription["kind"], CreateKind>> = {
  bpe,
  spm,
  unigram,
  wordpiece,
};
