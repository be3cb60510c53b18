/**
 * Generates tokens with one model: many generations side by side over one KV cache, which go on when the backend is lost.
 * Knows tokens; the text that they make is the business of TextOutput, which gets a decoder from outside.
 */
import { isMilletError, MilletError } from "../errors.js";
import { Generation, type GenerationJob } from "./generation.js";
import type { GenerationChunk, GenerationResult, ScoreResult } from "./result.js";
import { score } from "./score.js";
import type { Sequence } from "./sequence.js";
import { type EngineShape, generationSite, type ModelSite, Sites } from "./sites.js";
import { Slots } from "./slots.js";
import type { ModelSupply } from "./supply.js";

export type { EngineShape, ModelSite } from "./sites.js";

export class Engine {
  readonly contextLength: number;
  readonly #sites: Sites;
  readonly #slots: Slots;
  /** Work that is running, with what stops it. */
  readonly #running = new Map<AbortController, Promise<unknown>>();
  /** The sequence that an owner's last generation used. */
  readonly #lastOf = new WeakMap<object, Sequence>();
  #disposed = false;

  /** Owns a state of the supply's model, not the model itself. */
  constructor(supply: ModelSupply, shape: EngineShape) {
    this.contextLength = shape.contextLength;
    this.#sites = new Sites(supply, shape);
    this.#slots = new Slots(shape.maxSequences);
  }

  /**
   * Generates to the end; an abort resolves with what there is.
   * @param owner whose cached rows `forget` frees
   * @throws MilletError CONTEXT_FULL, DISPOSED and what Sites.run throws, that with the text so far in its details
   */
  async generate(
    job: GenerationJob,
    emit: (chunk: GenerationChunk) => void,
    signal: AbortSignal | undefined,
    owner?: object,
  ): Promise<GenerationResult> {
    return this.#track(signal, async (stop) => {
      const generation = new Generation(job, this.contextLength, emit, stop);
      const onSequence = (sequence: Sequence) => owner && this.#lastOf.set(owner, sequence);
      try {
        return await this.#inSlot(stop, () =>
          this.#sites.run(
            (site) => generation.run(generationSite(site), onSequence),
            stop,
            () => generation.tokenCount,
          ),
        );
      } catch (error) {
        if (stop.aborted && isMilletError(error) && error.code === "ABORTED")
          return generation.finishAborted();
        throw generation.withPartial(error);
      }
    });
  }

  /** Scores a text; see {@link score}. */
  async score(
    tokenIds: readonly number[],
    firstScored: number,
    signal: AbortSignal | undefined,
  ): Promise<ScoreResult> {
    return this.#track(signal, (stop) =>
      this.#inSlot(stop, () =>
        this.#sites.run((site) => score(generationSite(site), tokenIds, firstScored, stop), stop),
      ),
    );
  }

  /**
   * Runs other work in the place of a generation, which may take as much of the cache as one does.
   * @param work runs again, on another site, if a backend is lost meanwhile
   * @param progress see Sites.run
   */
  async run<T>(
    work: (site: ModelSite, stop: AbortSignal) => Promise<T>,
    progress: () => number,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    return this.#track(signal, (stop) =>
      this.#inSlot(stop, () => this.#sites.run((site) => work(site, stop), stop, progress)),
    );
  }

  /** Frees the rows of the owner's last generation, which must have ended. */
  forget(owner: object): void {
    const sequence = this.#lastOf.get(owner);
    if (sequence) this.#sites.current?.cache.drop(sequence);
    this.#lastOf.delete(owner);
  }

  /** Aborts what runs, waits for it, and frees the KV cache. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const running = [...this.#running];
    for (const [controller] of running) controller.abort();
    await Promise.allSettled(running.map(([, work]) => work));
    await this.#sites.dispose();
  }

  async #inSlot<T>(stop: AbortSignal, body: () => Promise<T>): Promise<T> {
    const giveBack = await this.#slots.take(stop);
    try {
      return await body();
    } finally {
      giveBack();
    }
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
