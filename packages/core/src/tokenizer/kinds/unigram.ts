/** GGUF's "t5": SentencePiece's Unigram. */
import { RulePieces } from "../decoders.js";
import { UnigramModel } from "../models/unigram.js";
import { Charsmap } from "../normalizers/charsmap.js";
import { longestRules } from "../normalizers/precompiled.js";
import { sentencePieceSpaces } from "../normalizers/spaces.js";
import { replaceString } from "../normalizers/text.js";
import { sequenceNormalizer, wholeText } from "../parts.js";
import { PipelineModel } from "../pipeline.js";
import type { TokenizerSource } from "../types.js";
import { badVocabulary, type Vocabulary } from "../vocabulary.js";
import { type KindParts, SPACE_SYMBOL } from "./kind.js";

export function unigram(description: TokenizerSource, vocabulary: Vocabulary): KindParts {
  const { scores, precompiledCharsmap, addSpacePrefix = false, removeExtraSpaces = false } = description;
  if (scores?.length !== vocabulary.size) {
    throw badVocabulary(
      `A "unigram" vocabulary needs a score for each of its ${vocabulary.size} tokens, and this one has ${scores?.length ?? 0}.`,
    );
  }
  const spaces = sentencePieceSpaces({ addsPrefix: addSpacePrefix, merges: removeExtraSpaces });
  return {
    model: new PipelineModel({
      normalizer:
        precompiledCharsmap === undefined || precompiledCharsmap.length === 0
          ? spaces
          : sequenceNormalizer([longestRules(new Charsmap(precompiledCharsmap)), spaces]),
      preTokenizer: wholeText,
      model: new UnigramModel(vocabulary, scores, { byteFallback: true }),
    }),
    pieces: new RulePieces(vocabulary, {
      steps: [replaceString(SPACE_SYMBOL, " ")],
      bytes: "tokens",
      removesLeadingSpace: addSpacePrefix || removeExtraSpaces,
    }),
  };
}
