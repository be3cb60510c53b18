/** GGUF's "bert": WordPiece. Tokens that begin a word are written with U+2581, those that continue one plainly. */
import { RulePieces, tidied } from "../decoders.js";
import { WordPieceModel } from "../models/wordpiece.js";
import { bertNormalizer } from "../normalizers/bert.js";
import { replaceString } from "../normalizers/text.js";
import { PipelineModel } from "../pipeline.js";
import { bertWords } from "../pre-tokenizers/words.js";
import type { TokenizerSource } from "../types.js";
import type { Vocabulary } from "../vocabulary.js";
import { type KindParts, SPACE_SYMBOL } from "./kind.js";

export function wordpiece(description: TokenizerSource, vocabulary: Vocabulary): KindParts {
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
