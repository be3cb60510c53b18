/**
 * What a tokenizer is and what it is made from. A description is plain data, independent of the
 * container (GGUF, tokenizer.json) that it was read from. No behaviour lives here.
 */

import type { TextList } from "../platform/text-list.js";

/** What a vocabulary entry is for. The order is SentencePiece's and GGUF's numbering, from 1. */
export const TOKEN_KINDS = ["normal", "unknown", "control", "user-defined", "unused", "byte"] as const;

export type TokenKind = (typeof TOKEN_KINDS)[number];

/** How text becomes tokens. "spm" is SentencePiece's BPE by score, "bpe" merges by rank. */
export type TokenizerKind = "bpe" | "spm" | "unigram" | "wordpiece" | "wordlevel";

/** Everything that defines a tokenizer, as plain data. */
export interface TokenizerDescription {
  /**
   * "bpe": byte-level BPE (GPT-2). "spm": SentencePiece BPE by score with byte fallback (Llama). "unigram":
   * SentencePiece Unigram (T5). "wordpiece": BERT's, whose tokens begin with U+2581 where they begin a word.
   */
  readonly kind: "bpe" | "spm" | "unigram" | "wordpiece";
  /** Entry `i` is the text of token `i`, as the vocabulary writes it: "Ġthe", "▁the", "<0x0A>". */
  readonly tokens: readonly string[];
  /** Kind of each token, numbered as in {@link TOKEN_KINDS} from 1; absent: all normal. */
  readonly tokenKinds?: ArrayLike<number> | undefined;
  /** bpe: "left right", the most important first. */
  readonly merges?: readonly string[] | undefined;
  /** spm: one score per token, the higher merges first. unigram: logarithms of probabilities. */
  readonly scores?: ArrayLike<number> | undefined;
  /** bpe: how text is cut into words, by its GGUF name ("gpt-2", "llama-bpe", ...). Default "gpt-2". */
  readonly preTokenizer?: string | undefined;
  readonly bosId?: number | undefined;
  readonly eosId?: number | undefined;
  readonly padId?: number | undefined;
  readonly unkId?: number | undefined;
  /** End of a turn, where it differs from the end of a text. */
  readonly eotId?: number | undefined;
  /** End of a message that awaits a tool's answer. */
  readonly eomId?: number | undefined;
  /** What `addEos` appends instead of EOS: BERT's separator. */
  readonly sepId?: number | undefined;
  /** Whether `encode` puts BOS in front unless told otherwise. Default false. */
  readonly addBos?: boolean | undefined;
  /** Whether `encode` appends EOS unless told otherwise. Default false. */
  readonly addEos?: boolean | undefined;
  /** spm, unigram: text starts as if a space stood before it. Default true for spm, false for unigram. */
  readonly addSpacePrefix?: boolean | undefined;
  /** unigram: runs of spaces count as one, those at the ends as none. Default false. */
  readonly removeExtraSpaces?: boolean | undefined;
  /** unigram: SentencePiece's compiled rules of normalization. Default: none. */
  readonly precompiledCharsmap?: Uint8Array | undefined;
  /** wordpiece: text is taken in lower case. Default true. */
  readonly lowercases?: boolean | undefined;
  /** wordpiece: accents go. Default: where text is taken in lower case. */
  readonly stripsAccents?: boolean | undefined;
  /** bpe: a word that is a token as a whole skips the merges. Default: as the pre-tokenizer prescribes. */
  readonly ignoreMerges?: boolean | undefined;
}

/** Texts by index. */
export type Texts = readonly string[] | TextList;

/** The same as it comes from a file: without a string for each text. */
export type TokenizerSource = Omit<TokenizerDescription, "tokens" | "merges"> & {
  readonly tokens: Texts;
  readonly merges?: Texts | undefined;
};

export interface EncodeOptions {
  /** Recognise control tokens written in the text. Default false: text is only text. */
  readonly parseSpecial?: boolean;
  /** Put BOS in front. Default: what the vocabulary says. */
  readonly addBos?: boolean;
  /** Append EOS. Default: what the vocabulary says. */
  readonly addEos?: boolean;
}

export interface DecodeOptions {
  /** Leave out control tokens (and the unknown token). Default false. */
  readonly skipSpecial?: boolean;
  /**
   * The ids begin a text, so the space that `encode` put before it (spm) is taken away again. Default true.
   * Pass false for the ids that a model generates after a prompt.
   */
  readonly atStart?: boolean;
}

/** A run of text with its origin: only trusted text may spell control tokens. */
export interface TextSegment {
  readonly text: string;
  readonly trusted: boolean;
}

/** Turns a stream of ids into text. Use once: `push` every id, then `end`. */
export interface StreamDecoder {
  /** The text that became complete with this token; "" while a character is incomplete. */
  push(id: number): string;
  /** What was held back; an incomplete character becomes U+FFFD. */
  end(): string;
}

export interface Tokenizer {
  readonly kind: TokenizerKind;
  readonly vocabularySize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly padId: number | undefined;
  readonly unkId: number | undefined;
  readonly eotId: number | undefined;
  readonly eomId: number | undefined;
  /** Tokens that end an answer: eos, eot, eom and well-known ones such as <|im_end|>; ascending. */
  readonly endOfGenerationIds: readonly number[];
  /** Whether `encode` puts BOS in front by default. */
  readonly addBos: boolean;
  /** Whether `encode` appends EOS by default. */
  readonly addEos: boolean;
  /** True if every byte has a token, so that any text survives encode and decode unchanged. */
  readonly isByteComplete: boolean;

  /**
   * Token ids of `text`. Lone surrogates count as U+FFFD. User-defined tokens are always recognised (they are
   * ordinary text to the model); control tokens only with `parseSpecial`. Bytes without a token become the
   * unknown token, or nothing if there is none or it is a control token.
   */
  encode(text: string, options?: EncodeOptions): number[];
  /**
   * Token ids of the joined segments, with control tokens recognised in trusted text alone: one that
   * reaches into untrusted text is text. Otherwise equal to `encode(joined, { parseSpecial: true })`.
   */
  encodeSegments(segments: readonly TextSegment[], options?: Omit<EncodeOptions, "parseSpecial">): number[];
  /** @throws MilletError INVALID_ARGUMENT if an id is not in the vocabulary (so do the methods below) */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  createDecoder(options?: DecodeOptions): StreamDecoder;
  /** The bytes that token `id` stands for; a control token's are its name. */
  pieceBytes(id: number): Uint8Array;
  /** Token `id` as the vocabulary writes it. */
  piece(id: number): string;
  tokenKind(id: number): TokenKind;
  /** The id of the token that the vocabulary writes as `piece`, of any kind. */
  tokenId(piece: string): number | undefined;
}
