/** A tokenizer of one kind. */
import { composeTokenizer } from "../compose.js";
import type { Tokenizer, TokenizerSource } from "../types.js";
import { Vocabulary } from "../vocabulary.js";
import type { CreateKind } from "./kind.js";

/** @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED */
export function buildTokenizer(description: TokenizerSource, create: CreateKind): Tokenizer {
  const vocabulary = new Vocabulary(description);
  return composeTokenizer({
    kind: description.kind,
    vocabulary,
    ...create(description, vocabulary),
    suffixIds: vocabulary.sepId === undefined ? undefined : [vocabulary.sepId],
    addBos: description.addBos ?? false,
    addEos: description.addEos ?? false,
  });
}
