/** What the kinds of tokenizers that GGUF files have share. Each kind is a composition of parts, in a file of its own. */
import type { TokenizerParts } from "../compose.js";
import type { TokenizerSource } from "../types.js";
import type { Vocabulary } from "../vocabulary.js";

export const SPACE_SYMBOL = "\u2581";

export type KindParts = Pick<TokenizerParts, "model" | "pieces">;

/** @throws MilletError TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED */
export type CreateKind = (description: TokenizerSource, vocabulary: Vocabulary) => KindParts;
