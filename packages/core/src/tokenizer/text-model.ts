/** What a kind of tokenizer (bpe, spm) adds to what all tokenizers share: runs of plain text to ids. */
export interface TextModel {
  /** Every byte has a token. */
  readonly isByteComplete: boolean;
  /** Each run of text after a special token, and the first one, starts as if with a space. */
  readonly addsSpacePrefix: boolean;
  /** Appends the ids of `text` (well-formed, not empty) to `output`. */
  encode(text: string, output: number[]): void;
  /** The bytes of token `id`, which is in range. */
  pieceBytes(id: number): Uint8Array;
}
