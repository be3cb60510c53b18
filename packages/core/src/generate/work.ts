/** What a scheduler is asked to compute, and how much of it is left. */
import { abortedError, type MilletError } from "../errors.js";
import type { SamplingRequest } from "./device-sampling.js";
import type { Sequence } from "./sequence.js";
import type { CallPart } from "./step-call.js";
import type { PendingRows, StepPart } from "./step-plan.js";

export interface Evaluation {
  /** Open, and in no other evaluation. */
  readonly sequence: Sequence;
  /** Appended to the sequence; at least one. */
  readonly tokens: readonly number[];
  /** Index of the first of `tokens` whose logits are wanted; `tokens.length` for none. */
  readonly firstLogit: number;
  /** Called for each of them, in order. The logits are the callee's to keep. [vocabulary] */
  readonly onLogits: (index: number, logits: Float32Array) => void;
  /** With logits of the last token alone: how the next is chosen. Where the device samples, `onLogits` may be spared. */
  readonly sampling?: SamplingRequest | undefined;
  readonly signal: AbortSignal | undefined;
}

/** An evaluation in the queue. */
export class Work implements PendingRows {
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

/** What a call computes of an evaluation. */
export function callPart({ work, tokens, logits }: StepPart<Work>): CallPart {
  const { sequence, tokens: all, sampling } = work.evaluation;
  const request = tokens === work.tokens ? sampling : undefined;
  return { sequence, tokens: all.slice(work.done, work.done + tokens), logits, request };
}

export function abortOf(work: Work): MilletError {
  return abortedError(work.evaluation.signal, "The evaluation");
}
