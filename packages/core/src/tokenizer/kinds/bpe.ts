/** GGUF's "gpt2" and "gemma4": byte-pair encoding of words, in bytes or in characters. */
import { RulePieces } from "../decoders.js";
import { ggufPreTokenizer } from "../gguf-pre-tokenizers.js";
import { ByteBpeModel } from "../models/byte-bpe.js";
import { CharBpeModel } from "../models/char-bpe.js";
import { replaceString } from "../normalizers/text.js";
import { sequencePreTokenizer } from "../parts.js";
import { PipelineModel } from "../pipeline.js";
import { split } from "../pre-tokenizers/split.js";
import type { TokenizerSource } from "../types.js";
import { badVocabulary, type Vocabulary } from "../vocabulary.js";
import { type KindParts, SPACE_SYMBOL } from "./kind.js";

export function bpe(description: TokenizerSource, vocabulary: Vocabulary): KindParts {
  const words = ggufPreTokenizer(description.preTokenizer ?? "gpt-2");
  if (description.merges === undefined) {
    throw badVocabulary('A "bpe" vocabulary needs its list of merges, and this one has none.');
  }
  const ignoreMerges = description.ignoreMerges ?? words.ignoreMerges;
  const preTokenizer = sequencePreTokenizer(words.patterns.map((pattern) => split(pattern, "Isolated")));
  if (words.readsCharacters) {
    return {
      model: new PipelineModel({
        normalizer: replaceString(" ", SPACE_SYMBOL),
        preTokenizer,
        model: new CharBpeModel(vocabulary, description.merges, { byteFallback: true, ignoreMerges }),
      }),
      pieces: new RulePieces(vocabulary, {
        steps: [replaceString(SPACE_SYMBOL, " ")],
        bytes: "tokens",
        removesLeadingSpace: false,
      }),
    };
  }
  return {
    model: new PipelineModel({
      preTokenizer,
      model: new ByteBpeModel(vocabulary, description.merges, { ignoreMerges }),
    }),
    pieces: new RulePieces(vocabulary, { steps: [], bytes: "symbols", removesLeadingSpace: false }),
  };
}
