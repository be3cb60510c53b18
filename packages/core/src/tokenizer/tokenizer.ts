/** A tokenizer from a description: one factory a kind, each a composition of parts. */
import { MilletError } from "../errors.js";
import { composeTokenizer, type TokenizerParts } from "./compose.js";
import { RulePieces } from "./decoders.js";
import { ggufPreTokenizer } from "./gguf-pre-tokenizers.js";
import { ByteBpeModel } from "./models/byte-bpe.js";
import { sequencePreTokenizer } from "./parts.js";
import { PipelineModel } from "./pipeline.js";
import { regExpPattern, split } from "./pre-tokenizers/split.js";
import { SpmModel } from "./spm.js";
import type { Tokenizer, TokenizerDescription } from "./types.js";
import { badVocabulary, Vocabulary } from "./vocabulary.js";

type Create = (
  description: TokenizerDescription,
  vocabulary: Vocabulary,
) => Pick<TokenizerParts, "model" | "pieces">;

const KINDS: Readonly<Record<TokenizerDescription["kind"], Create>> = {
  bpe: (description, vocabulary) => {
    const words = ggufPreTokenizer(description.preTokenizer ?? "gpt-2");
    if (description.merges === undefined) {
      throw badVocabulary('A "bpe" vocabulary needs its list of merges, and this one has none.');
    }
    const ignoreMerges = description.ignoreMerges ?? words.ignoreMerges;
    return {
      model: new PipelineModel({
        preTokenizer: sequencePreTokenizer(
          words.patterns.map((pattern) => split(regExpPattern(pattern), "Isolated")),
        ),
        model: new ByteBpeModel(vocabulary, description.merges, { ignoreMerges }),
      }),
      pieces: new RulePieces(vocabulary, { steps: [], bytes: "symbols", removesLeadingSpace: false }),
    };
  },
  spm: (description, vocabulary) => {
    const model = new SpmModel(description, vocabulary);
    return { model, pieces: model };
  },
};

/**
 * Builds a tokenizer from plain data.
 * @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED
 */
export function createTokenizer(description: TokenizerDescription): Tokenizer {
  const create = Object.hasOwn(KINDS, description.kind) ? KINDS[description.kind] : undefined;
  if (create === undefined) {
    throw new MilletError(
      "TOKENIZER_UNSUPPORTED",
      `Millet has no tokenizer of the kind ${JSON.stringify(description.kind)}; it has ${Object.keys(KINDS).join(" and ")}.`,
    );
  }
  const vocabulary = new Vocabulary(description);
  return composeTokenizer({
    kind: description.kind,
    vocabulary,
    ...create(description, vocabulary),
    addBos: description.addBos ?? false,
    addEos: description.addEos ?? false,
  });
}
