/**
 * The tokenizer that the `tokenizer.ggml.*` metadata of a GGUF file describe, given as a plain map, so that nothing here
 * depends on how the file was read. Defaults where keys are absent are llama.cpp's.
 */
import { MilletError } from "../errors.js";
import { TextList } from "../platform/text-list.js";
import { ggufPreTokenizer } from "./gguf-pre-tokenizers.js";
import type { Texts, TokenizerDescription, TokenizerSource } from "./types.js";
import { badVocabulary } from "./vocabulary.js";

/** Metadata by key. Arrays of strings are arrays, arrays of numbers arrays or typed arrays. */
export interface MetadataMap {
  get(key: string): unknown;
  /** The same for an array of strings, without a string for each. */
  texts?(key: string): TextList | undefined;
}

const PREFIX = "tokenizer.ggml.";
/** How GGUF writers say "none" in an unsigned field. */
const NO_ID = 0xffffffff;
/** GGUF's names of tokenizers -> ours. */
const KINDS: ReadonlyMap<string, TokenizerDescription["kind"]> = new Map([
  ["gpt2", "bpe"],
  ["gemma4", "bpe"],
  ["llama", "spm"],
  ["t5", "unigram"],
  ["bert", "wordpiece"],
]);
/** Files from before `tokenizer.ggml.pre` (May 2024): the architecture tells. */
const PRE_TOKENIZER_OF_ARCHITECTURE: ReadonlyMap<string, string> = new Map([
  ["falcon", "falcon"],
  ["starcoder", "starcoder"],
  ["starcoder2", "starcoder"],
  ["refact", "refact"],
  ["mpt", "mpt"],
  ["gpt2", "gpt-2"],
  ["gptneox", "gpt-2"],
  ["phi2", "gpt-2"],
  ["olmo", "olmo"],
  ["bloom", "bloom"],
  ["codeshell", "codeshell"],
  ["command-r", "command-r"],
  ["qwen", "qwen2"],
  ["qwen2", "qwen2"],
  ["dbrx", "dbrx"],
  ["jais", "jais"],
]);

/**
 * What a GGUF file says of its tokenizer.
 * @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED
 */
export function describeGgufTokenizer(metadata: MetadataMap): TokenizerDescription {
  const { tokens, merges, ...rest } = readGgufTokenizer(metadata);
  return { ...rest, tokens: stringsOf(tokens), merges: merges && stringsOf(merges) };
}

function stringsOf(texts: Texts): readonly string[] {
  return texts instanceof TextList ? texts.strings() : texts;
}

/** The same, for building the tokenizer. @throws as {@link describeGgufTokenizer} */
export function readGgufTokenizer(metadata: MetadataMap): TokenizerSource {
  const read = new MetadataReader(metadata);
  const model = read.string("model");
  const tokens = read.texts("tokens");
  if (model === undefined || tokens === undefined) {
    throw new MilletError(
      "TOKENIZER_MISSING",
      `The file has no ${PREFIX}${model === undefined ? "model" : "tokens"}, so it carries no tokenizer. ` +
        "Use a GGUF file that contains its vocabulary.",
    );
  }
  const kind = KINDS.get(model);
  if (kind === undefined) {
    throw new MilletError(
      "TOKENIZER_UNSUPPORTED",
      `The file's tokenizer is of the kind ${JSON.stringify(model.slice(0, 80))}; Millet reads ${[...KINDS.keys()].join(", ")}.`,
      { details: { model } },
    );
  }
  const named = model === "gemma4" ? model : read.string("pre");
  const pre = kind === "bpe" ? (named ?? preTokenizerOf(metadata)) : undefined;
  const words = pre === undefined ? undefined : ggufPreTokenizer(pre);
  const defaults = DEFAULTS[kind];
  const addsSep = kind === "wordpiece" || words?.addSep === true;
  return {
    kind,
    tokens,
    tokenKinds: read.numbers("token_type"),
    merges: kind === "bpe" ? read.texts("merges") : undefined,
    scores: kind === "spm" || kind === "unigram" ? read.numbers("scores") : undefined,
    preTokenizer: pre,
    bosId: read.id("bos_token_id", defaults.bosId),
    eosId: read.id("eos_token_id", defaults.eosId),
    padId: read.id("padding_token_id", defaults.padId),
    unkId: read.id("unknown_token_id", defaults.unkId),
    eotId: read.id("eot_token_id"),
    eomId: read.id("eom_token_id"),
    // The key is misspelled in the format.
    sepId: addsSep ? read.id("seperator_token_id", defaults.sepId) : undefined,
    addBos:
      read.boolean("add_bos_token") ?? (pre === undefined ? defaults.addBos : ggufPreTokenizer(pre).addBos),
    addEos: read.boolean(kind === "wordpiece" ? "add_sep_token" : "add_eos_token") ?? defaults.addEos,
    addSpacePrefix: read.boolean("add_space_prefix"),
    removeExtraSpaces: read.boolean("remove_extra_whitespaces"),
    precompiledCharsmap: kind === "unigram" ? read.bytes("precompiled_charsmap") : undefined,
    lowercases: read.boolean("normalizer.lowercase"),
    stripsAccents: read.boolean("normalizer.strip_accents"),
  };
}

type Defaults = Pick<
  TokenizerDescription,
  "bosId" | "eosId" | "padId" | "unkId" | "sepId" | "addBos" | "addEos"
>;

/** What is not written down is as in the model that the kind comes from. */
const DEFAULTS: Readonly<Record<TokenizerDescription["kind"], Defaults>> = {
  bpe: {},
  spm: { addBos: true },
  unigram: { eosId: 1, unkId: 2, padId: 0, addBos: false, addEos: true },
  wordpiece: { bosId: 101, sepId: 102, unkId: 100, padId: 0, addBos: true, addEos: true },
};

function preTokenizerOf(metadata: MetadataMap): string {
  const architecture = metadata.get("general.architecture");
  return (typeof architecture === "string" && PRE_TOKENIZER_OF_ARCHITECTURE.get(architecture)) || "default";
}

class MetadataReader {
  constructor(private readonly metadata: MetadataMap) {}

  private value<T>(name: string, what: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = this.metadata.get(PREFIX + name);
    if (value === undefined) return undefined;
    const result = read(value);
    if (result === undefined) throw badVocabulary(`${PREFIX}${name} should be ${what} and is not.`);
    return result;
  }

  string(name: string): string | undefined {
    return this.value(name, "a string", (value) => (typeof value === "string" ? value : undefined));
  }

  boolean(name: string): boolean | undefined {
    return this.value(name, "true or false", (value) => (typeof value === "boolean" ? value : undefined));
  }

  /** A token id; "none" reads as undefined. Whether it is in range is the vocabulary's business. */
  id(name: string, fallback?: number): number | undefined {
    const id = this.value(name, "a token id", toInteger) ?? fallback;
    return id === NO_ID || id === -1 ? undefined : id;
  }

  texts(name: string): Texts | undefined {
    const texts = this.metadata.texts?.(PREFIX + name);
    if (texts !== undefined) return texts;
    return this.value(name, "an array of strings", (value) => (isStrings(value) ? value : undefined));
  }

  /** Numbers of one byte each, signed or not. */
  bytes(name: string): Uint8Array | undefined {
    const numbers = this.numbers(name);
    return numbers && Uint8Array.from(numbers);
  }

  numbers(name: string): ArrayLike<number> | undefined {
    return this.value(name, "an array of numbers", (value) => (isNumbers(value) ? value : undefined));
  }
}

function toInteger(value: unknown): number | undefined {
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" && Number.isInteger(value) ? value : undefined;
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isNumbers(value: unknown): value is ArrayLike<number> {
  if (Array.isArray(value)) return value.every((item) => typeof item === "number");
  if (!ArrayBuffer.isView(value) || value instanceof DataView) return false;
  return !(value instanceof BigInt64Array || value instanceof BigUint64Array);
}
