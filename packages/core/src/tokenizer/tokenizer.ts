/** A tokenizer from a description: one factory a kind, each a composition of parts. With all kinds at hand, so at once. */
import { MilletError } from "../errors.js";
import { type MetadataMap, readGgufTokenizer } from "./describe-gguf.js";
import { GGUF_KINDS } from "./gguf-kinds.js";
import { buildTokenizer } from "./kinds/build.js";
import type { Tokenizer, TokenizerDescription, TokenizerSource } from "./types.js";

/**
 * Builds a tokenizer from plain data.
 * @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED
 */
export function createTokenizer(description: TokenizerDescription): Tokenizer {
  return create(description);
}

function create(description: TokenizerSource): Tokenizer {
  const kind = Object.hasOwn(GGUF_KINDS, description.kind) ? GGUF_KINDS[description.kind] : undefined;
  if (kind === undefined) {
    throw new MilletError(
      "TOKENIZER_UNSUPPORTED",
      `Millet has no tokenizer of the kind ${JSON.stringify(description.kind)}; it has ${Object.keys(GGUF_KINDS).join(", ")}.`,
    );
  }
  return buildTokenizer(description, kind);
}

/**
 * Reads the tokenizer of a GGUF file.
 * @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED
 */
export function ggufTokenizer(metadata: MetadataMap): Tokenizer {
  return create(readGgufTokenizer(metadata));
}
