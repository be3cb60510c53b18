/**
 * Generates tokens with one loaded model: many generations side by side over one KV cache. Knows tokens; the text
 * that they make is the business of TextOutput, which gets a decoder from outside.
 */
import type { LoadedModel, State } from "../backend/backend.js";
import { isMilletError, MilletError } from "../errors.js";
import { Generation, type GenerationJob, type GenerationSite } from "./generation.js";
import { KvCache } from "./kv-cache.js";
import type { GenerationChunk, GenerationResult, ScoreResult } from "./result.js";
import { Scheduler, type SchedulerShape } from "./scheduler.js";
import { score } from "./score.js";
import type { Sequence } from "./sequence.js";
import { Slots } from "./slots.js";

export interface EngineShape extends SchedulerShape {
  /** Most tokens of prompt and text together; at most what the block table can address. */
  readonly contextLength: number;
}

export class Engine {
  readonly #site: GenerationSite;
  readonly #state: State;
  readonly #slots: Slots;
  /** Work that is running, with what stops it. */
  readonly #running = new Map<AbortController, Promise<unknown>>();
  /** The sequence that an owner's last generation used. */
  readonly #lastOf = new WeakMap<object, Sequence>();
  #disposed = false;

  /** Owns a state of `model`, not the model itself. */
  constructor(model: LoadedModel, shape: EngineShape) {
    const { sequences } = shape.prompt;
    this.#state = model.createState();
    const cache = new KvCache(this.#state, sequences);
    const scheduler = new Scheduler(model, cache, shape);
    this.#site = { cache, scheduler, contextLength: shape.contextLength };
    this.#slots = new Slots(sequences);
  }

  get contextLength(): number {
    return this.#site.contextLength;
  }

  /**
   * Generates to the end; an abort resolves with what there is.
   * @param owner whose cached rows `forget` frees
   * @throws MilletError CONTEXT_FULL, DISPOSED and what the scheduler throws
   */
  async generate(
    job: GenerationJob,
    emit: (chunk: GenerationChunk) => void,
    signal: AbortSignal | undefined,
    owner?: object,
  ): Promise<GenerationResult> {
    return this.#track(signal, async (stop) => {
      const generation = new Generation(job, this.#site, emit, stop);
      const giveBack = await this.#slots.take(stop).catch((error: unknown) => {
        if (isMilletError(error) && error.code === "ABORTED") return undefined;
        throw error;
      });
      if (giveBack === undefined) return generation.finishAborted();
      try {
        return await generation.run((sequence) => owner && this.#lastOf.set(owner, sequence));
      } finally {
        giveBack();
      }
    });
  }

  /** Scores a text; see {@link score}. */
  async score(
    tokenIds: readonly number[],
    firstScored: number,
    signal: AbortSignal | undefined,
  ): Promise<ScoreResult> {
    return this.#track(signal, async (stop) => {
      const giveBack = await this.#slots.take(stop);
      try {
        return await score(this.#site, tokenIds, firstScored, stop);
      } finally {
        giveBack();
      }
    });
  }

  /** Frees the rows of the owner's last generation, which must have ended. */
  forget(owner: object): void {
    const sequence = this.#lastOf.get(owner);
    if (sequence) this.#site.cache.drop(sequence);
    this.#lastOf.delete(owner);
  }

  /** Aborts what runs, waits for it, and frees the KV cache. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const running = [...this.#running];
    for (const [controller] of running) controller.abort();
    await Promise.allSettled(running.map(([, work]) => work));
    this.#state.dispose();
  }

  /** Runs `body` under a signal that fires with the caller's and at dispose. */
  async #track<T>(signal: AbortSignal | undefined, body: (stop: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#disposed) throw new MilletError("DISPOSED", "The model was disposed. Load it again.");
    const controller = new AbortController();
    const onAbort = () => controller.abort(signal?.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);
    const work = body(controller.signal);
    this.#running.set(controller, work);
    try {
      return await work;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#running.delete(controller);
    }
  }
}
