/** The field `model` of tokenizer.json: its tokens first, then, with the finished vocabulary, the model of words. */
import { ByteBpeModel } from "../models/byte-bpe.js";
import { CharBpeModel, checkedMerges } from "../models/char-bpe.js";
import { UnigramModel } from "../models/unigram.js";
import { WordLevelModel } from "../models/word-level.js";
import { WordPieceModel } from "../models/wordpiece.js";
import type { WordModel } from "../parts.js";
import type { TokenizerKind } from "../types.js";
import { badVocabulary, type Vocabulary } from "../vocabulary.js";
import { type JsonFields, unsupportedComponent, unsupportedOption } from "./json-fields.js";
import { type KindOptions, type ModelTokens, tokensOfMap } from "./vocabulary.js";

export interface ModelReader extends KindOptions {
  readonly kind: TokenizerKind;
  readonly tokens: ModelTokens;
  /** The model reads bytes itself if `readsBytes`; otherwise words are already written in symbols. */
  readonly readsBytes: boolean;
  create(vocabulary: Vocabulary): WordModel;
}

type Read = (fields: JsonFields, isByteLevel: boolean) => ModelReader;

const READERS: Readonly<Record<string, Read>> = {
  BPE: readBpe,
  Unigram: readUnigram,
  WordPiece: readWordPiece,
  WordLevel: readWordLevel,
};

/**
 * @param isByteLevel words are written in the byte alphabet
 * @throws MilletError TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED
 */
export function readModel(fields: JsonFields, isByteLevel: boolean): ModelReader {
  // Files from before 2021 may not name the type; it shows.
  const type = fields.optionalString("type") ?? guessedType(fields);
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (read === undefined) throw unsupportedComponent(fields, Object.keys(READERS));
  return read(fields, isByteLevel);
}

function guessedType(fields: JsonFields): string {
  if (fields.get("merges") !== undefined) return "BPE";
  return Array.isArray(fields.get("vocab")) ? "Unigram" : "WordPiece";
}

/** The id of the token that a field names, or undefined if it names none. */
function idOf(fields: JsonFields, name: string, tokens: ModelTokens): number | undefined {
  const text = fields.optionalString(name);
  if (text === undefined) return undefined;
  const id = tokens.indexOf(text);
  if (id < 0)
    throw badVocabulary(`${fields.where}.${name} is ${JSON.stringify(text)}, which is not a token.`);
  return id;
}

function readBpe(fields: JsonFields, isByteLevel: boolean): ModelReader {
  if ((fields.number("dropout") ?? 0) !== 0) {
    throw unsupportedOption(fields, "drops merges at random (dropout), so its ids cannot be reproduced");
  }
  const tokens = tokensOfMap(fields, "vocab");
  const merges = checkedMerges(fields.list("merges"));
  const byteFallback = fields.boolean("byte_fallback", false);
  const continuingPrefix = fields.optionalString("continuing_subword_prefix") ?? "";
  const endSuffix = fields.optionalString("end_of_word_suffix") ?? "";
  const ignoreMerges = fields.boolean("ignore_merges", false);
  const readsBytes = isByteLevel && !byteFallback && continuingPrefix === "" && endSuffix === "";
  return {
    kind: "bpe",
    tokens,
    unkId: idOf(fields, "unk_token", tokens),
    hasByteTokens: byteFallback,
    readsBytes,
    create: (vocabulary) =>
      readsBytes
        ? new ByteBpeModel(vocabulary, merges, { ignoreMerges, lastCounts: true })
        : new CharBpeModel(vocabulary, merges, {
            byteFallback,
            continuingPrefix,
            endSuffix,
            ignoreMerges,
            fuseUnk: fields.boolean("fuse_unk", false),
          }),
  };
}

function readUnigram(fields: JsonFields): ModelReader {
  const entries = fields.list("vocab");
  const scores = new Float64Array(entries.length);
  const tokens: ModelTokens = entries.map((entry, id) => {
    const [text, score]: readonly unknown[] = Array.isArray(entry) ? entry : [];
    if (typeof text !== "string" || typeof score !== "number") {
      throw fields.fail(`vocab[${id}]`, "a token and its score");
    }
    scores[id] = score;
    return text;
  });
  const unkId = fields.get("unk_id") === undefined ? undefined : fields.integer("unk_id", undefined);
  if (unkId !== undefined && unkId >= tokens.length) throw fields.fail("unk_id", "a token id");
  const byteFallback = fields.boolean("byte_fallback", false);
  return {
    kind: "unigram",
    tokens,
    unkId,
    hasByteTokens: byteFallback,
    readsBytes: false,
    create: (vocabulary) => new UnigramModel(vocabulary, scores, { byteFallback }),
  };
}

function readWordPiece(fields: JsonFields): ModelReader {
  const tokens = tokensOfMap(fields, "vocab");
  return {
    kind: "wordpiece",
    tokens,
    unkId: idOf(fields, "unk_token", tokens),
    hasByteTokens: false,
    readsBytes: false,
    create: (vocabulary) =>
      new WordPieceModel(vocabulary, {
        initialPrefix: "",
        continuingPrefix: fields.optionalString("continuing_subword_prefix") ?? "##",
        maxCharacters: fields.integer("max_input_chars_per_word", 100),
      }),
  };
}

function readWordLevel(fields: JsonFields): ModelReader {
  const tokens = tokensOfMap(fields, "vocab");
  return {
    kind: "wordlevel",
    tokens,
    unkId: idOf(fields, "unk_token", tokens),
    hasByteTokens: false,
    readsBytes: false,
    create: (vocabulary) => new WordLevelModel(vocabulary),
  };
}
