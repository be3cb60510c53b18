/**
 * One generation: prefill, then choose a token, show it, compute the next, until something ends it. Ends normally
 * when aborted, with what it has.
 */
import { isMilletError, MilletError } from "../errors.js";
import { GenerationClock } from "./clock.js";
import { contextFullError, slideWindow } from "./context-window.js";
import type { KvCache } from "./kv-cache.js";
import type { ResolvedOptions } from "./resolve-options.js";
import type { FinishReason, GenerationChunk, GenerationResult, RenderedPrompt } from "./result.js";
import { logprobsOf, sampleToken } from "./sampler.js";
import type { Scheduler } from "./scheduler.js";
import { commonPrefix, type Sequence } from "./sequence.js";
import { TextOutput, type TokenDecoder } from "./text-output.js";

export interface GenerationJob {
  readonly prompt: RenderedPrompt;
  readonly options: ResolvedOptions;
  /** Fresh; turns the generated tokens into text. */
  readonly decoder: TokenDecoder;
}

/** What a generation runs on. */
export interface GenerationSite {
  readonly scheduler: Scheduler;
  readonly cache: KvCache;
  /** Most tokens of prompt and text together. */
  readonly contextLength: number;
}

/** Why a text ended, and what ended it. */
interface End {
  readonly reason: FinishReason;
  readonly stoppedBy?: number | string;
}

export class Generation {
  readonly #job: GenerationJob;
  readonly #site: GenerationSite;
  readonly #signal: AbortSignal;
  readonly #output: TextOutput;
  readonly #clock = new GenerationClock();
  /** Prompt and text, for the penalties. */
  readonly #history: number[];
  #prefilled = 0;
  #reused = 0;
  #dropped = 0;

  /** @throws MilletError CONTEXT_FULL, INVALID_ARGUMENT if the prompt is empty */
  constructor(
    job: GenerationJob,
    site: GenerationSite,
    emit: (chunk: GenerationChunk) => void,
    signal: AbortSignal,
  ) {
    const { prompt, options, decoder } = job;
    if (prompt.tokenIds.length === 0) throw emptyPrompt();
    if (prompt.tokenIds.length > site.contextLength && !options.slide) {
      throw contextFullError(prompt.tokenIds.length, site.contextLength);
    }
    this.#job = job;
    this.#site = site;
    this.#signal = signal;
    this.#history = [...prompt.tokenIds];
    this.#output = new TextOutput(decoder, options.stopStrings, options.logprobs !== undefined, emit);
  }

  /**
   * Generates to the end.
   * @param onSequence told which sequence of the cache is used; it is closed in the end
   */
  async run(onSequence: (sequence: Sequence) => void): Promise<GenerationResult> {
    this.#clock.start();
    const tokens = this.#fitted(this.#job.prompt.tokenIds);
    const sequence = this.#site.cache.open(tokens, tokens.length - 1);
    onSequence(sequence);
    this.#reused = sequence.tokens.length;
    try {
      return this.#finish(await this.#generate(sequence, tokens.slice(this.#reused)));
    } catch (error) {
      if (!this.#isAbort(error)) throw error;
      return this.finishAborted();
    } finally {
      this.#site.cache.close(sequence);
    }
  }

  /** The result of a generation that was stopped before or while it ran. */
  finishAborted(): GenerationResult {
    return this.#finish({ reason: "aborted" });
  }

  async #generate(sequence: Sequence, prompt: readonly number[]): Promise<End> {
    const { maxTokens } = this.#job.options;
    let logits = await this.#evaluate(sequence, prompt);
    this.#prefilled = prompt.length;
    while (this.#output.tokenIds.length < maxTokens) {
      const id = this.#choose(logits);
      if (this.#job.options.stopTokens.has(id)) return { reason: "stop", stoppedBy: id };
      const stop = this.#accept(id, logits);
      if (stop !== undefined) return { reason: "stop-string", stoppedBy: stop };
      if (this.#output.tokenIds.length === maxTokens) break; // the last token needs no computation
      if (sequence.tokens.length === this.#site.contextLength && !this.#job.options.slide) {
        return { reason: "context-full" };
      }
      logits = await this.#evaluate(sequence, this.#roomFor(sequence, id));
    }
    return { reason: "length" };
  }

  #evaluate(sequence: Sequence, tokens: readonly number[]): Promise<Float32Array> {
    return this.#site.scheduler.evaluateLast(sequence, tokens, this.#signal);
  }

  #choose(logits: Float32Array): number {
    const id = sampleToken(logits, this.#history, this.#job.options.sampling, this.#output.tokenIds.length);
    this.#clock.token();
    return id;
  }

  /** Shows a token. Returns the stop string that it completes, if any. */
  #accept(id: number, logits: Float32Array): string | undefined {
    const { logprobs } = this.#job.options;
    this.#history.push(id);
    return this.#output.push(id, logprobs === undefined ? undefined : logprobsOf(logits, id, logprobs));
  }

  /** The tokens to evaluate next: `id`, after a slide together with the text that stays behind the kept beginning. */
  #roomFor(sequence: Sequence, id: number): readonly number[] {
    if (sequence.tokens.length < this.#site.contextLength) return [id];
    const tokens = this.#fitted([...sequence.tokens, id]);
    const kept = Math.min(commonPrefix(tokens, sequence.tokens), tokens.length - 1);
    this.#site.cache.truncate(sequence, kept);
    return tokens.slice(kept);
  }

  #fitted(tokens: readonly number[]): readonly number[] {
    const { contextLength } = this.#site;
    const fitted = slideWindow(tokens, contextLength, this.#job.options.keepTokens);
    this.#dropped += tokens.length - fitted.length;
    return fitted;
  }

  #isAbort(error: unknown): boolean {
    return isMilletError(error) && error.code === "ABORTED" && this.#signal.aborted;
  }

  #finish(end: End): GenerationResult {
    const { prompt, options } = this.#job;
    const lateStop = end.reason === "stop-string" ? undefined : this.#output.end();
    return {
      text: this.#output.text,
      tokenIds: this.#output.tokenIds,
      finishReason: lateStop === undefined ? end.reason : "stop-string",
      stoppedBy: lateStop ?? end.stoppedBy,
      logprobs: options.logprobs === undefined ? undefined : this.#output.logprobs,
      prompt,
      reusedTokens: this.#reused,
      droppedTokens: this.#dropped,
      sampler: options.sampling,
      timings: this.#clock.stop(this.#prefilled),
    };
  }
}

function emptyPrompt(): MilletError {
  return new MilletError(
    "INVALID_ARGUMENT",
    "The prompt has no tokens. Pass some text, or addBos: true to begin with nothing.",
  );
}
