/**
 * Runs the steps of one loaded model. Evaluations of several sequences that are pending at the same time share a
 * call; long ones are cut into chunks. A sequence's log grows only by rows that were computed, so a failed or
 * aborted call leaves every sequence as it was.
 */
import type { Executable, LoadedModel } from "../backend/backend.js";
import { abortedError, isMilletError, MilletError } from "../errors.js";
import { viewAs } from "../tensor/tensor.js";
import type { KvCache } from "./kv-cache.js";
import { nextTurn } from "./next-turn.js";
import type { Sequence } from "./sequence.js";
import { stepInputs } from "./step-call.js";
import { type PendingRows, planStep, type StepLimits, type StepPart } from "./step-plan.js";

/** Sizes of the "decode" and "prompt" graphs; both have the same sequences and block table. */
export interface SchedulerShape {
  readonly decode: StepLimits;
  readonly prompt: StepLimits;
  readonly blocksPerSequence: number;
}

export interface Evaluation {
  /** Open, and in no other evaluation. */
  readonly sequence: Sequence;
  /** Appended to the sequence; at least one. */
  readonly tokens: readonly number[];
  /** Index of the first of `tokens` whose logits are wanted; `tokens.length` for none. */
  readonly firstLogit: number;
  /** Called for each of them, in order. The logits are the callee's to keep. [vocabulary] */
  readonly onLogits: (index: number, logits: Float32Array) => void;
  readonly signal: AbortSignal | undefined;
}

/** An evaluation in the queue. */
class Work implements PendingRows {
  readonly finished: Promise<void>;
  /** How many of its tokens are computed. */
  done = 0;
  resolve!: () => void;
  reject!: (error: unknown) => void;

  constructor(readonly evaluation: Evaluation) {
    this.finished = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  get tokens(): number {
    return this.evaluation.tokens.length - this.done;
  }

  get logits(): number {
    return Math.min(this.tokens, this.evaluation.tokens.length - this.evaluation.firstLogit);
  }

  get isAborted(): boolean {
    return this.evaluation.signal?.aborted ?? false;
  }
}

export class Scheduler {
  readonly #decode: Executable;
  readonly #prompt: Executable;
  readonly #cache: KvCache;
  readonly #shape: SchedulerShape;
  #pending: Work[] = [];
  #running = false;
  #steps: Promise<void> = Promise.resolve();
  /** Fires with the error that stopped the scheduler. */
  readonly #stopped = new AbortController();

  /** @throws MilletError INVALID_ARGUMENT if the model lacks the graph "decode" or "prompt" */
  constructor(model: LoadedModel, cache: KvCache, shape: SchedulerShape) {
    const { decode, prompt } = model.executables;
    if (!decode || !prompt) {
      throw new MilletError("INVALID_ARGUMENT", 'A generating model needs the graphs "decode" and "prompt".');
    }
    this.#decode = decode;
    this.#prompt = prompt;
    this.#cache = cache;
    this.#shape = shape;
  }

  /**
   * Appends tokens to a sequence and reports the logits that were asked for.
   * @throws MilletError CONTEXT_FULL, ABORTED, OUT_OF_MEMORY, BACKEND_FAILED, BACKEND_LOST; the tokens computed until
   *   then stay in the sequence
   */
  evaluate(evaluation: Evaluation): Promise<void> {
    const { sequence, tokens } = evaluation;
    const capacity = this.#shape.blocksPerSequence * this.#cache.blockRows;
    if (sequence.tokens.length + tokens.length > capacity) {
      const message = `A sequence holds ${capacity} tokens; ${sequence.tokens.length + tokens.length} were asked for.`;
      return Promise.reject(new MilletError("CONTEXT_FULL", message));
    }
    if (this.#stopped.signal.aborted) return Promise.reject(this.#stopped.signal.reason);
    const work = new Work(evaluation);
    this.#pending.push(work);
    if (!this.#running) this.#steps = this.#run();
    return work.finished;
  }

  /**
   * Fails all evaluations, pending ones and later ones, with `error`: nothing more is computed or reported. Resolves once
   * the call that runs has ended, which may be never if its backend is lost.
   */
  stop(error: MilletError): Promise<void> {
    this.#stopped.abort(error);
    for (const work of this.#pending) this.#fail(work, error);
    return this.#steps;
  }

  /** Appends tokens to a sequence and gives the logits of the last. [vocabulary] */
  async evaluateLast(
    sequence: Sequence,
    tokens: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    let last: Float32Array = new Float32Array(0);
    const onLogits = (_: number, logits: Float32Array) => {
      last = logits;
    };
    await this.evaluate({ sequence, tokens, firstLogit: tokens.length - 1, onLogits, signal });
    return last;
  }

  /** Steps until nothing is pending. Never rejects: failures go to the evaluations concerned. */
  async #run(): Promise<void> {
    this.#running = true;
    while (this.#pending.length > 0) {
      await nextTurn(); // whoever got logits just now may want to join the next step
      this.#refuseAborted();
      await this.#step(planStep(this.#pending, this.#shape.prompt));
      this.#pending = this.#pending.filter((work) => work.tokens > 0);
    }
    this.#running = false;
  }

  #refuseAborted(): void {
    for (const work of this.#pending.filter((pending) => pending.isAborted)) this.#fail(work, abortOf(work));
  }

  #fail(work: Work, error: unknown): void {
    this.#pending = this.#pending.filter((pending) => pending !== work);
    work.reject(error);
  }

  async #step(planned: readonly StepPart<Work>[]): Promise<void> {
    const parts: StepPart<Work>[] = [];
    for (const part of planned) if (await this.#makeRoom(part)) parts.push(part);
    const { signal } = this.#stopped;
    if (parts.length === 0 || signal.aborted) return;
    try {
      const logits = await this.#call(parts);
      if (!signal.aborted) this.#deliver(parts, logits);
    } catch (error) {
      this.#failStep(parts, error);
    }
  }

  async #makeRoom({ work, tokens }: StepPart<Work>): Promise<boolean> {
    try {
      await this.#cache.extend(work.evaluation.sequence, tokens);
      return true;
    } catch (error) {
      this.#fail(work, error);
      return false;
    }
  }

  /** Logits of the parts' rows, one after the other. [rows * vocabulary] */
  async #call(parts: readonly StepPart<Work>[]): Promise<Float32Array> {
    const { sequences } = this.#shape.prompt;
    const rows = parts.map(({ work: { evaluation, done }, tokens, logits }) => ({
      sequence: evaluation.sequence,
      tokens: evaluation.tokens.slice(done, done + tokens),
      logits,
    }));
    const inputs = stepInputs(rows, this.#cache, sequences, this.#shape.blocksPerSequence);
    const executable = fits(parts, this.#shape.decode) ? this.#decode : this.#prompt;
    const abort = new AbortController();
    const onAbort = () => abort.abort();
    const signals = [this.#stopped.signal, ...parts.flatMap(({ work }) => work.evaluation.signal ?? [])];
    for (const signal of signals) signal.addEventListener("abort", onAbort);
    try {
      if (parts.some(({ work }) => work.isAborted)) onAbort(); // while room was being made
      const outputs = executable.run({ inputs, state: this.#cache.state, signal: abort.signal });
      return viewAs(await outputs.logits!.read(), "f32");
    } finally {
      for (const signal of signals) signal.removeEventListener("abort", onAbort);
    }
  }

  /** Commits the rows of all parts before any caller hears of them. */
  #deliver(parts: readonly StepPart<Work>[], logits: Float32Array): void {
    const rowCount = parts.reduce((sum, part) => sum + part.logits, 0);
    const vocabulary = rowCount === 0 ? 0 : logits.length / rowCount;
    for (const { work, tokens } of parts) {
      const { sequence, tokens: all } = work.evaluation;
      this.#cache.append(sequence, all.slice(work.done, work.done + tokens));
      work.done += tokens;
    }
    let row = 0;
    for (const { work, logits: count } of parts) {
      const rows = logits.subarray(row * vocabulary, (row + count) * vocabulary);
      row += count;
      this.#report(work, rows, count);
    }
  }

  #report(work: Work, logits: Float32Array, count: number): void {
    const vocabulary = logits.length / count;
    try {
      for (let i = 0; i < count; i++) {
        const index = work.done - count + i;
        work.evaluation.onLogits(index, logits.subarray(i * vocabulary, (i + 1) * vocabulary));
      }
    } catch (error) {
      this.#fail(work, error);
    }
    if (work.tokens === 0) work.resolve();
  }

  /** An abort ends the evaluations that wanted it; the others take their rows again in the next step. */
  #failStep(parts: readonly StepPart<Work>[], error: unknown): void {
    const aborted = parts.filter(({ work }) => work.isAborted);
    const wasAborted = isMilletError(error) && error.code === "ABORTED" && aborted.length > 0;
    for (const { work } of wasAborted ? aborted : parts) this.#fail(work, wasAborted ? abortOf(work) : error);
  }
}

function abortOf(work: Work): MilletError {
  return abortedError(work.evaluation.signal, "The evaluation");
}

function fits(parts: readonly StepPart<Work>[], limits: StepLimits): boolean {
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  const logits = parts.reduce((sum, part) => sum + part.logits, 0);
  return tokens <= limits.tokens && logits <= limits.logits && parts.length <= limits.sequences;
}
