/** From generated tokens to the chunks of a stream: decoding, stop strings, log-probabilities side by side. */
import type { GenerationChunk, TokenLogprobs } from "./result.js";
import { StopStrings } from "./stop-strings.js";

/** What generation needs of a tokenizer's streaming decoder: text as it becomes complete. */
export interface TokenDecoder {
  push(id: number): string;
  end(): string;
}

export class TextOutput {
  readonly tokenIds: number[] = [];
  readonly logprobs: TokenLogprobs[] = [];
  readonly #decoder: TokenDecoder;
  readonly #stops: StopStrings;
  readonly #emit: (chunk: GenerationChunk) => void;
  readonly #withLogprobs: boolean;
  #text = "";
  /** Tokens that are in a chunk already. */
  #sent = 0;

  constructor(
    decoder: TokenDecoder,
    stopStrings: readonly string[],
    withLogprobs: boolean,
    emit: (chunk: GenerationChunk) => void,
  ) {
    this.#decoder = decoder;
    this.#stops = new StopStrings(stopStrings);
    this.#withLogprobs = withLogprobs;
    this.#emit = emit;
  }

  /** All text that was emitted. */
  get text(): string {
    return this.#text;
  }

  /** Takes a token and emits what text it sets free. Returns the stop string that it completes, if any. */
  push(id: number, logprobs: TokenLogprobs | undefined): string | undefined {
    this.tokenIds.push(id);
    if (logprobs) this.logprobs.push(logprobs);
    const { text, stop } = this.#stops.push(this.#decoder.push(id));
    if (text !== "" || stop !== undefined) this.#send(text);
    return stop;
  }

  /**
   * Emits what is still held back, unless a stop string ended the text; an incomplete character becomes U+FFFD.
   * Returns the stop string that the last characters complete, if any.
   */
  end(): string | undefined {
    const { text, stop } = this.#stops.push(this.#decoder.end());
    const rest = text + (stop === undefined ? this.#stops.end() : "");
    if (rest !== "" || this.#sent < this.tokenIds.length) this.#send(rest);
    return stop;
  }

  #send(text: string): void {
    const from = this.#sent;
    this.#sent = this.tokenIds.length;
    this.#text += text;
    const logprobs = this.#withLogprobs ? this.logprobs.slice(from) : undefined;
    this.#emit({ text, tokenIds: this.tokenIds.slice(from), logprobs });
  }
}
