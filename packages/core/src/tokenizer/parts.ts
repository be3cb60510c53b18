/**
 * The parts that a tokenizer is composed of, as in the `tokenizers` library: text is normalized, cut into words,
 * and each word becomes tokens. Parts are plain functions, or objects with one method; none knows another.
 */

/** Text to text, before it is cut. */
export type Normalizer = (text: string) => string;

/** Takes the words of a text in order. `isFirst`: the word begins where the whole input begins. */
export type EmitWord = (word: string, isFirst: boolean) => void;

/** Cuts a text into words. It may drop or change characters, and emits no empty word. */
export type PreTokenizer = (text: string, isFirst: boolean, emit: EmitWord) => void;

/** One word to token ids. */
export interface WordModel {
  /** Every byte has a token. */
  readonly isByteComplete: boolean;
  /** Appends the ids of `word` (well-formed, not empty) to `output`. */
  encodeWord(word: string, output: number[]): void;
}

/** Tokens to bytes of text. */
export interface PieceWriter {
  /** The bytes of token `id`, which is in range. */
  pieceBytes(id: number): Uint8Array;
  /** The first token's leading space, if it has one, is no part of the text. */
  readonly removesLeadingSpace: boolean;
}

/** All of `parts`, one after another. */
export function sequenceNormalizer(parts: readonly Normalizer[]): Normalizer {
  return (text) => parts.reduce((result, part) => part(result), text);
}

/** All of `parts`, each within the words that the one before left. */
export function sequencePreTokenizer(parts: readonly PreTokenizer[]): PreTokenizer {
  const [first, ...others] = parts;
  if (first === undefined) return wholeText;
  if (others.length === 0) return first;
  const rest = sequencePreTokenizer(others);
  return (text, isFirst, emit) => first(text, isFirst, (word, wordIsFirst) => rest(word, wordIsFirst, emit));
}

/** The text is one word. */
export const wholeText: PreTokenizer = (text, isFirst, emit) => {
  if (text.length > 0) emit(text, isFirst);
};
