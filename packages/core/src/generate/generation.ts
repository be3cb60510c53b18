/**
 * One generation: prefill, then choose a token, show it, compute the next, until something ends it. Ends normally
 * when aborted, with what it has. When its site is lost, it goes on where it was on another one.
 */
import { isMilletError, MilletError, type MilletErrorCode } from "../errors.js";
import { type Choice, makeChoice } from "./choice.js";
import { GenerationClock } from "./clock.js";
import { contextFullError, slideWindow } from "./context-window.js";
import type { KvCache } from "./kv-cache.js";
import { type PositionLogits, rowLogits } from "./position-logits.js";
import type { ResolvedOptions } from "./resolve-options.js";
import type { FinishReason, GenerationChunk, GenerationResult, RenderedPrompt } from "./result.js";
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

/** Failures that keep the text so far: the machine's, not the caller's. */
const PARTIAL_CODES: ReadonlySet<MilletErrorCode> = new Set([
  "BACKEND_LOST",
  "BACKEND_FAILED",
  "OUT_OF_MEMORY",
]);

/** Why a text ended, and what ended it. */
interface End {
  readonly reason: FinishReason;
  readonly stoppedBy?: number | string;
}

export class Generation {
  readonly #job: GenerationJob;
  readonly #contextLength: number;
  readonly #signal: AbortSignal;
  readonly #output: TextOutput;
  readonly #clock = new GenerationClock();
  /** Prompt and text, for the penalties. */
  readonly #history: number[];
  /** What the next token is to be computed from: the history without what sliding dropped. */
  #context: number[];
  #prefilled = 0;
  #reused = 0;
  #dropped = 0;
  #rowsRead = 0;

  /** @throws MilletError CONTEXT_FULL, INVALID_ARGUMENT if the prompt is empty */
  constructor(
    job: GenerationJob,
    contextLength: number,
    emit: (chunk: GenerationChunk) => void,
    signal: AbortSignal,
  ) {
    const { prompt, options, decoder } = job;
    if (prompt.tokenIds.length === 0) throw emptyPrompt();
    if (prompt.tokenIds.length > contextLength && !options.slide) {
      throw contextFullError(prompt.tokenIds.length, contextLength);
    }
    this.#job = job;
    this.#contextLength = contextLength;
    this.#signal = signal;
    this.#history = [...prompt.tokenIds];
    this.#context = this.#fitted(prompt.tokenIds);
    this.#output = new TextOutput(decoder, options.stopStrings, options.logprobs !== undefined, emit);
  }

  /** Tokens generated so far. */
  get tokenCount(): number {
    return this.#output.tokenIds.length;
  }

  /**
   * Generates to the end. If that fails because the site is lost, it may be called again with another one.
   * @param onSequence told which sequence of the cache is used; it is closed in the end
   */
  async run(site: GenerationSite, onSequence: (sequence: Sequence) => void): Promise<GenerationResult> {
    this.#clock.start();
    const sequence = site.cache.open(this.#context, this.#context.length - 1);
    onSequence(sequence);
    if (this.tokenCount === 0) this.#reused = sequence.tokens.length;
    try {
      return this.#finish(await this.#generate(site, sequence));
    } catch (error) {
      if (!this.#isAbort(error)) throw error;
      return this.finishAborted();
    } finally {
      site.scheduler.release(sequence);
      site.cache.close(sequence);
    }
  }

  /** The result of a generation that was stopped before or while it ran. */
  finishAborted(): GenerationResult {
    return this.#finish({ reason: "aborted" });
  }

  /** A failure with what was generated so far, which the stream then has whole. */
  withPartial(error: unknown): unknown {
    if (!isMilletError(error) || !PARTIAL_CODES.has(error.code)) return error;
    this.#output.end();
    const { text, tokenIds } = this.#output;
    const { cause = error } = error;
    return new MilletError(error.code, error.message, {
      cause,
      details: { ...error.details, text, tokenIds },
    });
  }

  async #generate(site: GenerationSite, sequence: Sequence): Promise<End> {
    const { maxTokens } = this.#job.options;
    const prompt = this.#context.slice(sequence.tokens.length);
    let choice = await this.#next(site, sequence, prompt);
    if (this.tokenCount === 0) this.#prefilled = prompt.length;
    while (this.#output.tokenIds.length < maxTokens) {
      const { id } = choice;
      if (this.#job.options.stopTokens.has(id)) return { reason: "stop", stoppedBy: id };
      const stop = this.#accept(choice);
      if (stop !== undefined) return { reason: "stop-string", stoppedBy: stop };
      if (this.#output.tokenIds.length === maxTokens) break; // the last token needs no computation
      if (sequence.tokens.length === this.#contextLength && !this.#job.options.slide) {
        return { reason: "context-full" };
      }
      choice = await this.#next(site, sequence, this.#roomFor(site, sequence, id));
    }
    return { reason: "length" };
  }

  /** Appends tokens to the sequence and chooses the one after them. */
  async #next({ scheduler }: GenerationSite, sequence: Sequence, tokens: readonly number[]): Promise<Choice> {
    const { options } = this.#job;
    const index = this.#output.tokenIds.length;
    let choice: Choice | undefined;
    const choose = (logits: PositionLogits) => {
      choice = makeChoice(logits, this.#history, options, index);
      return choice !== undefined;
    };
    await scheduler.evaluate({
      sequence,
      tokens,
      firstLogit: tokens.length - 1,
      onLogits: (_, logits) => {
        choose(rowLogits(logits));
        this.#rowsRead++;
      },
      sampling: {
        settings: options.sampling,
        history: this.#history,
        index,
        logprobs: options.logprobs ?? 0,
        ahead: this.#stepsAhead(sequence.tokens.length + tokens.length, index),
        onCandidates: choose,
      },
      signal: this.#signal,
    });
    this.#clock.token();
    return choice!;
  }

  /** Tokens that may follow the one with this index without a slide. @param length of the sequence before it */
  #stepsAhead(length: number, index: number): number {
    return Math.min(this.#contextLength - length, this.#job.options.maxTokens - index - 1);
  }

  /** Shows a token. Returns the stop string that it completes, if any. */
  #accept({ id, logprobs }: Choice): string | undefined {
    this.#history.push(id);
    return this.#output.push(id, logprobs);
  }

  /** The tokens to evaluate next: `id`, after a slide together with the text that stays behind the kept beginning. */
  #roomFor({ cache }: GenerationSite, sequence: Sequence, id: number): readonly number[] {
    this.#context.push(id);
    if (this.#context.length <= this.#contextLength) return [id];
    this.#context = this.#fitted(this.#context);
    const kept = Math.min(commonPrefix(this.#context, sequence.tokens), this.#context.length - 1);
    cache.truncate(sequence, kept);
    return this.#context.slice(kept);
  }

  #fitted(tokens: readonly number[]): number[] {
    const fitted = slideWindow(tokens, this.#contextLength, this.#job.options.keepTokens);
    this.#dropped += tokens.length - fitted.length;
    return [...fitted];
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
      logitRowsRead: this.#rowsRead,
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
