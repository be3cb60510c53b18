/**
 * A tokenizer from a Hugging Face folder's tokenizer.json, as the `tokenizers` library writes it: a composition of the
 * parts that the file names. Truncation, padding, offsets and pairs of texts are not read.
 */
import { composeTokenizer } from "../compose.js";
import { RulePieces } from "../decoders.js";
import { sequencePreTokenizer } from "../parts.js";
import { PipelineModel } from "../pipeline.js";
import { byteSymbolWords } from "../pre-tokenizers/byte-level.js";
import type { Tokenizer } from "../types.js";
import { badVocabulary, Vocabulary } from "../vocabulary.js";
import { readDecoder } from "./decoders.js";
import type { HuggingFaceTokenizerFiles } from "./files.js";
import { JsonFields } from "./json-fields.js";
import { readModel } from "./models.js";
import { readNormalizer } from "./normalizers.js";
import { readPostProcessor } from "./post-processors.js";
import { readPreTokenizer } from "./pre-tokenizers.js";
import { readSpecialTokens } from "./special-tokens.js";
import { readTokens } from "./vocabulary.js";

export type { HuggingFaceTokenizerFiles } from "./files.js";

/**
 * Builds the tokenizer of a Hugging Face folder. Ids are those of the `tokenizers` library, with one exception: text
 * that is not to be parsed for special tokens never becomes a control token, not even by merges.
 * @throws MilletError TOKENIZER_BAD_VOCABULARY for damaged files, TOKENIZER_UNSUPPORTED for components that Millet does
 *   not have, TOKENIZER_MISSING for a vocabulary without tokens
 */
export function huggingFaceTokenizer(files: HuggingFaceTokenizerFiles): Tokenizer {
  const root = JsonFields.parse(files.tokenizerJson, "tokenizer.json");
  const normalizer = root.optionalObject("normalizer");
  const words = readPreTokenizer(root.optionalObject("pre_tokenizer"));
  const reader = readModel(root.object("model"), words.isByteLevel);
  const { tokens, tokenKinds, added } = readTokens(root, reader.tokens, reader);
  const frame = readPostProcessor(root.optionalObject("post_processor"));
  const special = readSpecialTokens(files, tokens, frame);
  const vocabulary = new Vocabulary({ tokens, tokenKinds, unkId: reader.unkId, ...special });
  const strange = [...frame.prefixIds, ...frame.suffixIds].find((id) => id >= tokens.length);
  if (strange !== undefined) {
    throw badVocabulary(
      `tokenizer.json: post_processor adds token ${strange}, but there are ${tokens.length}.`,
    );
  }
  // A few old files name BOS and EOS elsewhere only.
  const framing = [vocabulary.bosId, vocabulary.eosId]
    .filter((id): id is number => id !== undefined && !added.some((token) => token.id === id))
    .map((id) => ({ id, text: tokens[id]! }));
  const normalizedTokens = added.filter((token) => token.isNormalized);
  const preTokenizer =
    words.isByteLevel && !reader.readsBytes
      ? sequencePreTokenizer([words.preTokenizer, byteSymbolWords])
      : words.preTokenizer;
  return composeTokenizer({
    kind: reader.kind,
    vocabulary,
    model: new PipelineModel({
      normalizer: normalizer && readNormalizer(normalizer),
      preTokenizer,
      model: reader.create(vocabulary),
      normalizedTokens: normalizedTokens.map((token) => ({
        ...token,
        isControl: vocabulary.isSpecial(token.id),
      })),
    }),
    pieces: new RulePieces(vocabulary, readDecoder(root.optionalObject("decoder"))),
    prefixIds: frame.prefixIds.length > 0 ? frame.prefixIds : undefined,
    suffixIds: frame.suffixIds.length > 0 ? frame.suffixIds : undefined,
    addBos: special.addBos ?? frame.prefixIds.length > 0,
    addEos: special.addEos ?? frame.suffixIds.length > 0,
    addedTokens: [...added, ...framing],
    normalizedTokens,
  });
}
