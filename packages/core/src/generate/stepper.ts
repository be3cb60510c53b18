/** Hands steps of one loaded model to its backend: chooses the graph and builds the inputs. Waits for nothing. */
import type { Executable, LoadedModel } from "../backend/backend.js";
import { MilletError } from "../errors.js";
import {
  candidatesMaySuffice,
  deviceChooses,
  type SamplingRequest,
  samplingShapeOf,
} from "./device-sampling.js";
import { EnqueuedStep, type StepReads } from "./enqueued-step.js";
import type { KvCache } from "./kv-cache.js";
import type { Sequence } from "./sequence.js";
import { type CallPart, samplingInputs, stepInputs } from "./step-call.js";
import type { StepLimits } from "./step-plan.js";

/** Sizes of the "decode" and "prompt" graphs; both have the same sequences and block table. */
export interface SchedulerShape {
  readonly decode: StepLimits;
  readonly prompt: StepLimits;
  readonly blocksPerSequence: number;
}

export class Stepper {
  /** Undefined if the model's steps do not sample. */
  readonly sampling: ReturnType<typeof samplingShapeOf>;
  readonly #decode: Executable;
  readonly #prompt: Executable;
  readonly #cache: KvCache;
  readonly #shape: SchedulerShape;

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
    this.sampling = samplingShapeOf(decode.graph);
  }

  /** A step of parts that fit the prompt graph; the sequences have room for them. */
  run(parts: readonly CallPart[]): EnqueuedStep {
    const executable = fits(parts, this.#shape.decode) ? this.#decode : this.#prompt;
    return this.#enqueue(executable, parts, {}, this.#readsOf(parts));
  }

  /** Whether the device makes this choice, and candidates may suffice to make it again. */
  samples(request: SamplingRequest | undefined): request is SamplingRequest {
    const { sampling } = this;
    if (request === undefined || sampling === undefined) return false;
    return deviceChooses(request, sampling) && candidatesMaySuffice(request, sampling);
  }

  /**
   * A step of the token that `before` chooses.
   * @param offset rows after the end of the sequence's log that steps before this one fill; there is room for one more
   * @param ahead how many steps lie between the request's own and this one, plus one
   */
  runAfter(
    before: EnqueuedStep,
    sequence: Sequence,
    request: SamplingRequest,
    offset: number,
    ahead: number,
  ): EnqueuedStep {
    const part = { sequence, tokens: [0], logits: 1, offset, request, ahead };
    return this.#enqueue(this.#decode, [part], before.next, this.#readsOf([part]));
  }

  #enqueue(
    executable: Executable,
    parts: readonly CallPart[],
    before: Partial<EnqueuedStep["next"]>,
    reads: StepReads,
  ): EnqueuedStep {
    const { prompt, blocksPerSequence } = this.#shape;
    const inputs = {
      ...stepInputs(parts, this.#cache, prompt.sequences, blocksPerSequence),
      ...(this.sampling && samplingInputs(parts, this.sampling)),
      ...before,
    };
    return new EnqueuedStep((signal) => executable.run({ inputs, state: this.#cache.state, signal }), reads);
  }

  /** Logits where nobody samples; also where nobody wants either, to learn how the step ended. */
  #readsOf(parts: readonly CallPart[]): StepReads {
    const candidates = parts.some(({ request }) => this.samples(request));
    const logits = parts.some(({ request, logits }) => logits > 0 && !this.samples(request));
    return { candidates, logits: logits || !candidates };
  }
}

function fits(parts: readonly CallPart[], limits: StepLimits): boolean {
  const tokens = parts.reduce((sum, part) => sum + part.tokens.length, 0);
  const logits = parts.reduce((sum, part) => sum + part.logits, 0);
  return tokens <= limits.tokens && logits <= limits.logits && parts.length <= limits.sequences;
}
