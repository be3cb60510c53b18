/**
 * What a caller may ask of one generation. Types and defaults; checking is in resolve-options.ts.
 * Names follow the field: top-k, top-p, min-p, repetition penalty.
 */
import type { SamplerSettings } from "../sampling/settings.js";

/**
 * How the next token is chosen. The steps run in llama.cpp's default order: logit bias, penalties, top-k, top-p,
 * min-p, temperature, draw. Defaults: {@link DEFAULT_SAMPLING}.
 */
export interface SamplingOptions {
  /** Divides the logits before the draw. 0 takes the most likely token (greedy). */
  readonly temperature?: number | undefined;
  /** Draw among the k most likely tokens. 0: no limit. */
  readonly topK?: number | undefined;
  /** Draw among the most likely tokens that together reach this probability (nucleus sampling). 1: no limit. */
  readonly topP?: number | undefined;
  /** Drop tokens less likely than this fraction of the most likely one. 0: no limit. */
  readonly minP?: number | undefined;
  /** Divides (if positive) or multiplies the logits of recent tokens (Keskar et al. 2019). 1: off. */
  readonly repetitionPenalty?: number | undefined;
  /** Subtracted from the logit of a recent token once for each time it occurred. 0: off. */
  readonly frequencyPenalty?: number | undefined;
  /** Subtracted from the logit of every recent token. 0: off. */
  readonly presencePenalty?: number | undefined;
  /** How many of the last tokens, prompt included, count as recent for the penalties. 0: none. */
  readonly penaltyTokens?: number | undefined;
  /** Added to the logits of these tokens; -Infinity forbids a token. */
  readonly logitBias?: Readonly<Record<number, number>> | ReadonlyMap<number, number> | undefined;
  /** A whole number from 0 to 2^53 - 1. The same seed, prompt and settings give the same text. Default: random. */
  readonly seed?: number | undefined;
}

export interface GenerateOptions extends SamplingOptions {
  /** Most tokens to generate. Default: until the model ends its answer or the context is full. */
  readonly maxTokens?: number | undefined;
  /** Ends the text before the first of these strings; the string itself is never streamed. */
  readonly stop?: string | readonly string[] | undefined;
  /** Ends the text at any of these tokens, besides the model's own end-of-generation tokens. */
  readonly stopTokens?: readonly number[] | undefined;
  /** Go on past the model's end-of-generation tokens, for benchmarks. Default false. */
  readonly ignoreEndOfGeneration?: boolean | undefined;
  /** Report each token's log-probability, and those of this many most likely tokens beside it (0: its own only). */
  readonly logprobs?: number | undefined;
  /**
   * Stops the generation. What was generated so far is kept: the stream ends normally and the result's finish
   * reason is "aborted".
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * What to do when prompt and text outgrow the context.
   * "error" (default): a prompt that does not fit is refused with CONTEXT_FULL before anything is computed; a text
   * that fills the context ends with finish reason "context-full".
   * "slide": keep the first `keepTokens` and the newer half of the rest, evaluate them anew, and go on.
   */
  readonly onContextFull?: "error" | "slide" | undefined;
  /** With "slide": tokens at the start that are never dropped. Default 4 (Xiao et al. 2023, arXiv 2309.17453). */
  readonly keepTokens?: number | undefined;
}

/** Options for a prompt given as text. */
export interface TextPromptOptions extends GenerateOptions {
  /** Recognise control tokens written in the prompt. Default false: text is only text. */
  readonly parseSpecial?: boolean | undefined;
  /** Put the BOS token in front. Default: what the vocabulary says. */
  readonly addBos?: boolean | undefined;
}

/** The sampler settings that a generation applied, all of them, and its seed. */
export interface AppliedSampling extends SamplerSettings {
  readonly logitBias: ReadonlyMap<number, number>;
  readonly seed: number;
}

/** Moderate values that keep small chat models on the subject. */
export const DEFAULT_SAMPLING: SamplerSettings = Object.freeze({
  temperature: 0.5,
  topK: 40,
  topP: 0.9,
  minP: 0.05,
  repetitionPenalty: 1.1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyTokens: 64,
});
