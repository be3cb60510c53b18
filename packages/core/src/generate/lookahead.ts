/**
 * Steps of one sequence that are queued before the host knows their tokens: each takes the token that the device chose in
 * the step before it. The host makes every choice again; a step whose token was another is void, with all that follow.
 * Void steps harm nothing: they write behind the end of the sequence's log, where nobody reads, and before any later run.
 */
import { isMilletError } from "../errors.js";
import type { SamplingRequest } from "./device-sampling.js";
import type { EnqueuedStep } from "./enqueued-step.js";
import type { KvCache } from "./kv-cache.js";
import type { Sequence } from "./sequence.js";
import type { Stepper } from "./stepper.js";

/**
 * Most steps on the device at a time, the one waited for included. While one result travels and is read, which takes a
 * browser about 1 ms and a busy page several, the device needs work for as long: two or three steps of a small model.
 * At the end of a text all but one are computed in vain.
 */
const MOST_STEPS = 4;

/** An evaluation that the queue may have begun. */
export interface AheadEvaluation {
  readonly sequence: Sequence;
  readonly tokens: readonly number[];
  readonly sampling?: SamplingRequest | undefined;
}

interface QueuedStep {
  readonly step: EnqueuedStep;
  readonly sequence: Sequence;
  readonly position: number;
  /** Cache row that it writes. */
  readonly row: number;
}

export class Lookahead {
  readonly #stepper: Stepper;
  readonly #cache: KvCache;
  #steps: QueuedStep[] = [];
  /** The token of the first step. */
  #token: number | undefined;
  /** Steps to queue: none after one that was void, then one more with each that is not. */
  #depth = MOST_STEPS - 1;

  constructor(stepper: Stepper, cache: KvCache) {
    this.#stepper = stepper;
    this.#cache = cache;
  }

  /** Whether the first step computes just this evaluation. */
  begins({ sequence, tokens }: AheadEvaluation): boolean {
    const [head] = this.#steps;
    return (
      head !== undefined &&
      head.sequence === sequence &&
      head.position === sequence.tokens.length &&
      tokens.length === 1 &&
      tokens[0] === this.#token &&
      this.#cache.row(sequence, head.position) === head.row
    );
  }

  /** The first step, which is the caller's from now on. */
  shift(): EnqueuedStep | undefined {
    this.#token = undefined;
    this.#deepen();
    return this.#steps.shift()?.step;
  }

  /**
   * Queues steps after `step` until there are enough.
   * @param step computes the evaluation, of which `rows` rows are not in the sequence's log yet
   * @throws MilletError of the backend; short memory only makes the queue shorter
   */
  async fill(step: EnqueuedStep, { sequence, sampling }: AheadEvaluation, rows: number): Promise<void> {
    if (!this.#stepper.samples(sampling)) return;
    const wanted = Math.min(this.#depth, sampling.ahead);
    while (this.#steps.length < wanted) {
      const ahead = this.#steps.length + 1;
      const offset = rows + ahead - 1;
      if (!(await this.#makeRoom(sequence, offset + 1))) return;
      const before = this.#steps.at(-1)?.step ?? step;
      const position = sequence.tokens.length + offset;
      this.#steps.push({
        step: this.#stepper.runAfter(before, sequence, sampling, offset, ahead),
        sequence,
        position,
        row: this.#cache.row(sequence, position),
      });
    }
  }

  /** Tells which token the device chose in the step before the first. */
  expect(token: number): void {
    this.#token = token;
  }

  /** Throws away the steps that there are, because none of them is wanted. */
  discard(): void {
    if (this.#steps.length === 0) this.#deepen();
    else this.#depth = 0;
    this.clear();
  }

  /** Throws away the steps of a sequence. */
  release(sequence: Sequence): void {
    if (this.#steps[0]?.sequence === sequence) this.clear();
  }

  /** Throws away all steps. */
  clear(): void {
    this.#token = undefined;
    for (const { step } of this.#steps.splice(0)) {
      step.abort();
      step.dispose();
    }
  }

  #deepen(): void {
    this.#depth = Math.min(this.#depth + 1, MOST_STEPS - 1);
  }

  async #makeRoom(sequence: Sequence, rows: number): Promise<boolean> {
    try {
      await this.#cache.extend(sequence, rows);
      return true;
    } catch (error) {
      if (isMilletError(error) && error.code === "OUT_OF_MEMORY") return false;
      throw error;
    }
  }
}
