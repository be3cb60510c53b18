/** A tokenizer from a description: one factory a kind, each a composition of parts. */
import { MilletError } from "../errors.js";
import { composeTokenizer } from "./compose.js";
import { GGUF_KINDS } from "./gguf-kinds.js";
import type { Tokenizer, TokenizerDescription } from "./types.js";
import { Vocabulary } from "./vocabulary.js";

/**
 * Builds a tokenizer from plain data.
 * @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED
 */
export function createTokenizer(description: TokenizerDescription): Tokenizer {
  const create = Object.hasOwn(GGUF_KINDS, description.kind) ? GGUF_KINDS[description.kind] : undefined;
  if (create === undefined) {
    throw new MilletError(
      "TOKENIZER_UNSUPPORTED",
      `Millet has no tokenizer of the kind ${JSON.stringify(description.kind)}; it has ${Object.keys(GGUF_KINDS).join(", ")}.`,
    );
  }
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
