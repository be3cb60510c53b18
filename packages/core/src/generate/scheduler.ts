/**
 * Runs the steps of one loaded model. Evaluations of several sequences that are pending at the same time share a
 * call; long ones are cut into chunks; after one that is alone, steps are queued ahead where the device samples. A
 * sequence's log grows only by rows that were computed, so a failed or aborted call leaves every sequence as it was.
 */
import type { LoadedModel } from "../backend/backend.js";
import { isMilletError, MilletError } from "../errors.js";
import { readCandidates } from "./device-sampling.js";
import type { EnqueuedStep } from "./enqueued-step.js";
import type { KvCache } from "./kv-cache.js";
import { Lookahead } from "./lookahead.js";
import { nextTurn } from "./next-turn.js";
import type { Sequence } from "./sequence.js";
import { planStep, type StepPart } from "./step-plan.js";
import { type SchedulerShape, Stepper } from "./stepper.js";
import { abortOf, callPart, type Evaluation, Work } from "./work.js";

/** What became of a choice from candidates. */
interface Decision {
  /** False if it takes the logits. */
  readonly isMade: boolean;
  readonly error?: unknown;
}

export class Scheduler {
  readonly #stepper: Stepper;
  readonly #lookahead: Lookahead;
  readonly #cache: KvCache;
  readonly #shape: SchedulerShape;
  #pending: Work[] = [];
  #running = false;
  #steps: Promise<void> = Promise.resolve();
  /** What stopped the scheduler. Beside the signal, whose reason React Native's does not carry. */
  #stopError: MilletError | undefined;
  readonly #stopped = new AbortController();

  /** @throws MilletError INVALID_ARGUMENT if the model lacks the graph "decode" or "prompt" */
  constructor(model: LoadedModel, cache: KvCache, shape: SchedulerShape) {
    this.#stepper = new Stepper(model, cache, shape);
    this.#lookahead = new Lookahead(this.#stepper, cache);
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
    if (this.#stopError) return Promise.reject(this.#stopError);
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
    this.#stopError ??= error;
    this.#stopped.abort(error);
    this.#lookahead.clear();
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

  /** Throws away what was queued for a sequence whose text has ended. */
  release(sequence: Sequence): void {
    this.#lookahead.release(sequence);
  }

  /** Steps until nothing is pending. Never rejects: failures go to the evaluations concerned. */
  async #run(): Promise<void> {
    this.#running = true;
    while (this.#pending.length > 0) {
      await nextTurn(); // whoever got logits just now may want to join the next step
      this.#refuseAborted();
      await this.#step();
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

  /** A step that is queued already, as long as one goes on; so nobody who comes meanwhile makes it void. */
  async #step(): Promise<void> {
    const begun = this.#pending.find(({ evaluation }) => this.#lookahead.begins(evaluation));
    if (begun) return this.#finish([{ work: begun, tokens: 1, logits: 1 }], this.#lookahead.shift());
    this.#lookahead.discard();
    const parts: StepPart<Work>[] = [];
    for (const part of planStep(this.#pending, this.#shape.prompt)) {
      if (await this.#makeRoom(part)) parts.push(part);
    }
    if (parts.length > 0) await this.#finish(parts);
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

  /** Runs a step unless it runs already, queues more of them behind it, and delivers its results. */
  async #finish(parts: readonly StepPart<Work>[], begun?: EnqueuedStep): Promise<void> {
    let step = begun;
    const onAbort = () => step?.abort();
    const signals = [this.#stopped.signal, ...parts.flatMap(({ work }) => work.evaluation.signal ?? [])];
    for (const signal of signals) signal.addEventListener("abort", onAbort);
    try {
      this.#checkWanted(parts); // something may have happened while room was being made
      step ??= this.#stepper.run(parts.map(callPart));
      await this.#queueAfter(step, parts);
      await this.#deliver(step, parts);
    } catch (error) {
      step?.abort();
      this.#lookahead.clear();
      this.#failStep(parts, error);
    } finally {
      for (const signal of signals) signal.removeEventListener("abort", onAbort);
      step?.dispose();
    }
  }

  /** @throws MilletError why nobody waits for a step any longer */
  #checkWanted(parts: readonly StepPart<Work>[]): void {
    if (this.#stopError) throw this.#stopError;
    const aborted = parts.find(({ work }) => work.isAborted);
    if (aborted) throw abortOf(aborted.work);
  }

  /** Queues steps if this one's evaluation ends with it and no other waits. */
  async #queueAfter(step: EnqueuedStep, [part, ...others]: readonly StepPart<Work>[]): Promise<void> {
    if (part === undefined || others.length > 0 || this.#pending.length > 1) return;
    const { work, tokens } = part;
    if (work.tokens === tokens) await this.#lookahead.fill(step, work.evaluation, tokens);
  }

  /** Reads what the callers need and commits the rows of all parts before any caller goes on. */
  async #deliver(step: EnqueuedStep, parts: readonly StepPart<Work>[]): Promise<void> {
    const candidates = await step.candidates;
    const decided = candidates ? this.#decide(candidates, parts) : new Map<Work, Decision>();
    const needsLogits = parts.some(({ work, logits }) => logits > 0 && !decided.get(work)?.isMade);
    const logits = needsLogits || !candidates ? await step.logits() : new Float32Array(0);
    if (this.#stopError) throw this.#stopError;
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
      this.#report(work, rows, count, decided.get(work));
    }
  }

  /** Lets callers choose from candidates. */
  #decide(candidates: Float32Array, parts: readonly StepPart<Work>[]): Map<Work, Decision> {
    const rowCount = parts.reduce((sum, part) => sum + part.logits, 0);
    const width = candidates.length / rowCount;
    const decisions = new Map<Work, Decision>();
    let row = 0;
    for (const part of parts) {
      row += part.logits;
      const { request } = callPart(part);
      if (!this.#stepper.samples(request)) continue;
      const packed = candidates.subarray((row - 1) * width, row * width);
      const { logits, token } = readCandidates(packed, request, this.#stepper.sampling!);
      this.#lookahead.expect(token);
      try {
        decisions.set(part.work, { isMade: request.onCandidates(logits) });
      } catch (error) {
        decisions.set(part.work, { isMade: true, error });
      }
    }
    return decisions;
  }

  #report(work: Work, logits: Float32Array, count: number, decision: Decision | undefined): void {
    const vocabulary = logits.length / count;
    try {
      if (decision?.error !== undefined) throw decision.error;
      for (let i = 0; i < count && !decision?.isMade; i++) {
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
