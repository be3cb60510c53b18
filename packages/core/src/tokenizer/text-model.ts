/** What a kind of tokenizer adds to what all tokenizers share: runs of plain text to ids. */
export interface TextModel {
  /** Every byte has a token. */
  readonly isByteComplete: boolean;
  /** Appends the ids of `text` (well-formed, not empty), a run between special tokens, to `output`. */
  encode(text: string, output: number[], place: TextPlace): void;
}

/** What a text model may know of the text around a run. */
export interface TextPlace {
  /** The run begins where the whole input begins. */
  readonly isFirst: boolean;
  /** Control tokens that are found after normalization may be found in this run. */
  readonly parseSpecial: boolean;
}
