/**
 * What generations run on, kept up over the loss of a backend: a site is one loaded model with its KV cache; when its
 * backend is lost, or out of memory, the model is loaded again and what ran starts over on a new site, with its tokens as
 * the prompt. One reload at a time, for all that run. Nothing is loaded while nobody waits for it.
 */
import type { LoadedModel, State } from "../backend/backend.js";
import { isMilletError, MilletError, throwIfAborted } from "../errors.js";
import type { GenerationSite } from "./generation.js";
import { isCacheFull, KvCache } from "./kv-cache.js";
import { Scheduler } from "./scheduler.js";
import { pause, settle, unlessAborted } from "./settle.js";
import type { SchedulerShape } from "./stepper.js";
import type { ModelSupply } from "./supply.js";

export interface EngineShape {
  /** Most tokens of prompt and text together; at most what the block table can address. */
  readonly contextLength: number;
  /** Most pieces of work at a time; each has room in the cache for a text of full length. */
  readonly maxSequences: number;
  /** Elements of a hidden state. */
  readonly hidden: number;
  /** Undefined for a model that cannot generate. */
  readonly generation: SchedulerShape | undefined;
}

/** A loaded model with its KV cache. */
export interface ModelSite {
  readonly model: LoadedModel;
  readonly cache: KvCache;
  readonly hidden: number;
}

/** Losses, and reloads that failed, after which a piece of work that did not get on is tried once more. */
const MOST_LOSSES = 2;
/** How often to look whether another's last try got on. */
const TRY_POLL_MS = 10;
/** A driver that has just been reset takes a moment. */
const RETRY_PAUSE_MS = 500;
/** Longest wait for what may never end: a call on a broken backend, a driver that does not answer. */
const CALL_LIMIT_MS = 5000;

const WHAT = "The generation";

/** A site with what it owns. */
interface OwnedSite extends ModelSite {
  readonly state: State;
  readonly scheduler: Scheduler | undefined;
  readonly contextLength: number;
}

/** @throws MilletError MODEL_NOT_GENERATIVE */
export function generationSite({ scheduler, cache, contextLength }: OwnedSite): GenerationSite {
  if (scheduler) return { scheduler, cache, contextLength };
  throw notGenerative();
}

export function notGenerative(): MilletError {
  return new MilletError(
    "MODEL_NOT_GENERATIVE",
    "The model is an encoder: it gives vectors of texts (embed) and cannot generate or score. Load a decoder for that.",
  );
}

export class Sites {
  readonly #supply: ModelSupply;
  readonly #shape: EngineShape;
  /** Undefined from the loss of a backend until the model is loaded again. */
  #site: OwnedSite | undefined;
  /** Why the site before was given up. */
  #loss: MilletError | undefined;
  /** Why the last reload failed; undefined if it did not. */
  #failure: { readonly error: unknown; readonly at: number } | undefined;
  #reload: Promise<void> | undefined;
  /** Pieces of work that run on the site. */
  #working = 0;
  /**
   * Whether some work has its last try and did not get on yet. Others then wait with theirs: if one of them is what kills
   * the device, it alone ends.
   */
  #isTrying: () => boolean = () => false;
  /** Pieces of work that wait for memory. */
  readonly #waiting: (() => void)[] = [];
  #release: Promise<void> = Promise.resolve();
  readonly #disposal = new AbortController();

  /** Owns a state of the supply's model, not the model itself. */
  constructor(supply: ModelSupply, shape: EngineShape) {
    this.#supply = supply;
    this.#shape = shape;
    this.#site = this.#open();
  }

  /** The one that serves now. */
  get current(): ModelSite | undefined {
    return this.#site;
  }

  /**
   * Runs `work`, and runs it again where it did not end well for lack of a backend or of memory: on a new site once the
   * model is loaded again, or on the same one once other work has ended and left it its memory.
   * @param progress how far the work got: a number that grows with each token
   * @throws MilletError BACKEND_LOST or OUT_OF_MEMORY if two reloads without progress did not help, or one where the
   *   reload before had failed already; ABORTED; what `work` throws
   */
  async run<T>(
    work: (site: OwnedSite) => Promise<T>,
    signal: AbortSignal,
    progress: () => number = () => 0,
  ): Promise<T> {
    try {
      return await this.#run(work, signal, progress);
    } finally {
      this.#wake();
    }
  }

  async #run<T>(
    work: (site: OwnedSite) => Promise<T>,
    signal: AbortSignal,
    progress: () => number,
  ): Promise<T> {
    let losses = this.#failure ? MOST_LOSSES : 0;
    let reached = progress();
    for (;;) {
      throwIfAborted(signal, WHAT);
      if (this.#reload || !this.#site) {
        if (losses > MOST_LOSSES || this.#isHopeless()) throw this.#gaveUp();
        await unlessAborted(this.#reloaded(Math.max(1, losses)), signal, WHAT);
        if (!this.#site) losses++;
        continue;
      }
      if (losses === MOST_LOSSES && this.#isTrying()) {
        await pause(TRY_POLL_MS, signal);
        continue;
      }
      const site = this.#site;
      let isOver = false;
      if (losses === MOST_LOSSES) this.#isTrying = () => !isOver && progress() === reached;
      this.#working++;
      const ended = await work(site).then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      );
      this.#working--;
      isOver = true;
      if ("result" in ended) return ended.result;
      if (progress() > reached) losses = 0;
      reached = progress();
      if (this.#site !== site || (await this.#leave(ended.error, losses + 1, signal))) losses++;
    }
  }

  /** Stops a reload and frees the state, not the model. What runs must have ended. */
  async dispose(): Promise<void> {
    this.#disposal.abort();
    await settle(() => this.#reload, CALL_LIMIT_MS); // one that comes later frees what it has loaded
    await this.#release;
    this.#site?.state.dispose();
    this.#site = undefined;
  }

  #open(): OwnedSite {
    const { model, lost } = this.#supply;
    const state = model.createState();
    const { generation, contextLength, maxSequences, hidden } = this.#shape;
    const cache = new KvCache(state, maxSequences);
    const scheduler = generation && new Scheduler(model, cache, generation);
    const site = { model, state, cache, scheduler, contextLength, hidden };
    void lost.then((error) => (this.#site === site ? this.#free(error) : undefined));
    return site;
  }

  /**
   * What to do about a failure on the site that serves. Resolves when the work is to be tried again: true if that takes
   * another site, false if it only had to wait for memory.
   * @param losses of this work without getting on, this one included
   * @throws the failure itself if another try would be of no use
   */
  async #leave(error: unknown, losses: number, signal: AbortSignal): Promise<boolean> {
    if (!isMilletError(error)) throw error;
    if (error.code === "BACKEND_LOST") {
      void this.#free(error);
    } else if (error.code !== "OUT_OF_MEMORY" || isCacheFull(error)) {
      throw error;
    } else if (this.#working > 0) {
      await unlessAborted(new Promise<void>((resolve) => this.#waiting.push(resolve)), signal, WHAT);
      return false;
    } else {
      if (losses > MOST_LOSSES || this.#supply.reloadProblem()) throw error;
      this.#loss = error;
      void this.#reloaded(losses);
    }
    return true;
  }

  /** Lets those try again that wait for memory. */
  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Gives up the site, if there is one: all that runs on it fails with `reason`. Never rejects. */
  #free(reason: MilletError): Promise<void> {
    const site = this.#site;
    if (site) {
      this.#site = undefined;
      this.#loss = reason;
      this.#release = this.#takeDown(site, reason);
    }
    return this.#release;
  }

  async #takeDown({ scheduler, state }: OwnedSite, reason: MilletError): Promise<void> {
    const calls = scheduler?.stop(reason);
    if (reason.code !== "BACKEND_LOST") await settle(() => calls, CALL_LIMIT_MS);
    await settle(() => state.dispose(), CALL_LIMIT_MS);
    await this.#supply.discard();
  }

  /** Resolves when the reload, the one that runs or a new one, has ended, well or not. */
  #reloaded(attempt: number): Promise<void> {
    this.#reload ??= this.#tryReload(attempt).finally(() => {
      this.#reload = undefined;
      this.#wake();
    });
    return this.#reload;
  }

  async #tryReload(attempt: number): Promise<void> {
    const reason = this.#loss!;
    const { signal } = this.#disposal;
    try {
      if (this.#failure) await pause(this.#failure.at + RETRY_PAUSE_MS - performance.now(), signal);
      await this.#supply.reload({ reason, attempt, signal, release: () => this.#free(reason) });
      this.#site = this.#open();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = { error, at: performance.now() };
      if (!this.#site) await this.#supply.discard();
    }
  }

  #isHopeless(): boolean {
    return !this.#reload && this.#supply.reloadProblem() !== undefined;
  }

  /** What ends a piece of work that has no site and may not cost another reload. */
  #gaveUp(): MilletError {
    const loss = this.#loss!;
    const cause = this.#supply.reloadProblem() ?? this.#failure?.error;
    if (cause === undefined) {
      const message = `${loss.message} The model was loaded again, and lost again before the next token.`;
      return new MilletError(loss.code, message, { cause: loss });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `The backend was lost and the model could not be loaded again. ${loss.message} ${why}`;
    return new MilletError("BACKEND_LOST", message, { cause, details: { loss: loss.message } });
  }
}
