/** The kinds of tokenizers that GGUF files have, each as a composition of parts. */
import type { TokenizerParts } from "./compose.js";
import { RulePieces, tidied } from "./decoders.js";
import { ggufPreTokenizer } from "./gguf-pre-tokenizers.js";
import { ByteBpeModel } from "./models/byte-bpe.js";
import { CharBpeModel } from "./models/char-bpe.js";
import { UnigramModel } from "./models/unigram.js";
import { WordPieceModel } from "./models/wordpiece.js";
import { bertNormalizer } from "./normalizers/bert.js";
import { Charsmap } from "./normalizers/charsmap.js";
import { longestRules } from "./normalizers/precompiled.js";
import { sentencePieceSpaces } from "./normalizers/spaces.js";
import { replaceString } from "./normalizers/text.js";
import { sequenceNormalizer, sequencePreTokenizer, wholeText } from "./parts.js";
import { PipelineModel } from "./pipeline.js";
import { split } from "./pre-tokenizers/split.js";
import { bertWords } from "./pre-tokenizers/words.js";
import { SpmModel } from "./spm.js";
import type { TokenizerDescription } from "./types.js";
import { badVocabulary, type Vocabulary } from "./vocabulary.js";

const SPACE_SYMBOL = "\u2581";

type Create = (
  description: TokenizerDescription,
  vocabulary: Vocabulary,
) => Pick<TokenizerParts, "model" | "pieces">;

export const GGUF_KINDS: Readonly<Record<TokenizerDescription["kind"], Create>> = {
  bpe,
  spm,
  unigram,
  wordpiece,
};

function bpe(description: TokenizerDescription, vocabulary: Vocabulary): ReturnType<Create> {
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

function spm(description: TokenizerDescription, vocabulary: Vocabulary): ReturnType<Create> {
  const model = new SpmModel(description, vocabulary);
  return { model, pieces: model };
}

function unigram(description: TokenizerDescription, vocabulary: Vocabulary): ReturnType<Create> {
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

/** Tokens that begin a word are written with U+2581, those that continue one plainly. */
function wordpiece(description: TokenizerDescription, vocabulary: Vocabulary): ReturnType<Create> {
  const lowercases = description.lowercases ?? true;
  return {
    model: new PipelineModel({
      normalizer: bertNormalizer({
        cleansText: true,
        spacesChinese: true,
        stripsAccents: description.stripsAccents ?? lowercases,
        lowercases,
      }),
      preTokenizer: bertWords(),
      model: new WordPieceModel(vocabulary, {
        initialPrefix: SPACE_SYMBOL,
        continuingPrefix: "",
        maxCharacters: Number.POSITIVE_INFINITY,
      }),
    }),
    pieces: new RulePieces(vocabulary, {
      steps: [replaceString(SPACE_SYMBOL, " "), tidied],
      bytes: "none",
      removesLeadingSpace: true,
    }),
  };
}
