/** What a Hugging Face folder has of its tokenizer: the texts of its files. */
export interface HuggingFaceTokenizerFiles {
  readonly tokenizerJson: string;
  /** tokenizer_config.json: names BOS, EOS and padding, and says whether BOS and EOS are added. */
  readonly tokenizerConfig?: string | undefined;
  /** generation_config.json: names all tokens that end an answer. */
  readonly generationConfig?: string | undefined;
}
