/** What a generation yields while it runs and when it has ended. Types only. */
import type { AppliedSampling } from "./options.js";

/**
 * Why a text ended. "stop": an end-of-generation or stop token. "stop-string": one of `stop`. "length": `maxTokens`.
 * "context-full": the context is full. "aborted": the caller's signal, or leaving the loop over the stream.
 */
export type FinishReason = "stop" | "stop-string" | "length" | "context-full" | "aborted";

/** Log-probability of a token in the model's own distribution: before bias, penalties and temperature. */
export interface TokenLogprob {
  readonly id: number;
  /** Natural logarithm. */
  readonly logprob: number;
}

/** The chosen token and the most likely ones at its place, best first. */
export interface TokenLogprobs extends TokenLogprob {
  readonly top: readonly TokenLogprob[];
}

/** A piece of the stream: text that became complete, and the tokens that made it. */
export interface GenerationChunk {
  /** Never half a character, never part of a stop string. May be empty in the last chunk. */
  readonly text: string;
  readonly tokenIds: readonly number[];
  /** One per token; undefined unless `logprobs` was asked for. */
  readonly logprobs: readonly TokenLogprobs[] | undefined;
}

/** The prompt exactly as it was rendered and tokenized; sliding may drop a part of it. */
export interface RenderedPrompt {
  /** The prompt as text, after the chat template; undefined for a prompt of token ids. */
  readonly text: string | undefined;
  readonly tokenIds: readonly number[];
}

export interface GenerationTimings {
  /** From the call to the first computation: waiting for other generations. */
  readonly queueMs: number;
  /** Prompt tokens computed; the reused ones are not among them. */
  readonly prefillTokens: number;
  readonly prefillMs: number;
  /** 0 if nothing was computed; so are the other rates. */
  readonly prefillTokensPerSecond: number;
  /** Tokens after the first, which the prefill yields. */
  readonly decodeTokens: number;
  readonly decodeMs: number;
  readonly decodeTokensPerSecond: number;
  /** From the call to the first token; undefined if there was none. */
  readonly timeToFirstTokenMs: number | undefined;
  /** From the call to the end. */
  readonly elapsedMs: number;
}

export interface GenerationResult {
  /** The whole text, without the stop string or stop token that ended it. */
  readonly text: string;
  /** Every generated token, without the stop token that ended the text. */
  readonly tokenIds: readonly number[];
  readonly finishReason: FinishReason;
  /** The token or string that ended the text, if one did. */
  readonly stoppedBy: number | string | undefined;
  /** One per token id; undefined unless `logprobs` was asked for. */
  readonly logprobs: readonly TokenLogprobs[] | undefined;
  readonly prompt: RenderedPrompt;
  /** Leading tokens of the prompt that were in the KV cache already. */
  readonly reusedTokens: number;
  /** Tokens that sliding dropped from prompt and text; 0 unless `onContextFull` is "slide". */
  readonly droppedTokens: number;
  /**
   * Tokens whose choice took a whole row of logits from the backend: all where it does not sample itself, otherwise those
   * for which the best 128 did not suffice.
   */
  readonly logitRowsRead: number;
  readonly sampler: AppliedSampling;
  readonly timings: GenerationTimings;
}

/**
 * A running generation. It starts at once and can be read once, as text or as chunks; whoever only wants the end
 * awaits `result`.
 *
 *     for await (const text of model.generate("Once upon a time")) process.stdout.write(text);
 *
 * Leaving the loop early stops the generation. A failure is thrown by the loop and rejects `result`; an abort is
 * no failure: both end normally, with the text so far and the finish reason "aborted".
 */
export interface GenerationStream extends AsyncIterable<string> {
  /** Settles when the generation has ended, whether or not the stream is read. */
  readonly result: Promise<GenerationResult>;
  /** The stream with token ids and log-probabilities. */
  chunks(): AsyncIterable<GenerationChunk>;
  /** Stops the generation, like its signal; `result` then holds the text so far. */
  abort(): void;
}

/** How likely a model finds a text, token by token. */
export interface ScoreResult {
  /** The scored text. */
  readonly tokenIds: readonly number[];
  /** First token that was scored; the ones before it are context only. At least 1. */
  readonly firstScored: number;
  /** Natural log-probability of token `firstScored + i`, given all tokens before it. */
  readonly logprobs: Float64Array;
  /** exp(-mean(logprobs)). */
  readonly perplexity: number;
  readonly elapsedMs: number;
}
