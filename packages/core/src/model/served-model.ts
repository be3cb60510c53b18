/** The model that serves, with its backend, and how to load both again. Owns them. */
import type { BackendFactory } from "../backend/backend.js";
import { type Served, type ServeRequest, serve } from "../backend/serve.js";
import { isMilletError, MilletError, throwIfAborted } from "../errors.js";
import { settle } from "../generate/settle.js";
import type { ModelSupply, Reload } from "../generate/supply.js";
import { defineModel } from "../models/index.js";
import type { FilesRecipe } from "./open-file.js";
import type { BackendRecovery, BackendReport, RecoveryProgress } from "./types.js";

/** Longest wait for a broken backend to free what it holds. */
const DISCARD_LIMIT_MS = 5000;

/** What it takes to load a model another time. */
export interface ReloadRecipe {
  /** In the caller's order. */
  readonly factories: readonly BackendFactory[];
  readonly request: Omit<ServeRequest, "weights" | "signal" | "onProgress">;
  readonly files: FilesRecipe;
  readonly onRecovery: ((progress: RecoveryProgress) => void) | undefined;
}

export class ServedModel implements ModelSupply {
  readonly #recipe: ReloadRecipe;
  #served: Served;
  #isFree = false;
  #recoveries: readonly BackendRecovery[] = [];
  #report: BackendReport;

  constructor(served: Served, recipe: ReloadRecipe) {
    this.#recipe = recipe;
    this.#served = served;
    this.#report = this.#reportOf(served);
  }

  get model() {
    return this.#served.model;
  }

  get lost() {
    return this.#served.backend.lost;
  }

  /** What serves; after its loss, what served last. */
  get report(): BackendReport {
    return this.#report;
  }

  reloadProblem(): MilletError | undefined {
    return this.#recipe.files.problem();
  }

  async reload(reload: Reload): Promise<void> {
    const begin = performance.now();
    const bytes = { loadedBytes: 0, totalBytes: 0 };
    const tell = (phase: RecoveryProgress["phase"], error?: MilletError) =>
      this.#tell({ phase, reason: reload.reason, ...bytes, ...(error && { error }) });
    try {
      tell("open");
      const served = await this.#load(reload, (loaded) => {
        Object.assign(bytes, loaded);
        tell("weights");
      });
      this.#replace(served, reload.reason, performance.now() - begin);
      tell("ready");
    } catch (error) {
      tell("failed", asMilletError(error));
      throw error;
    }
  }

  async #load({ attempt, signal, release }: Reload, onProgress: NonNullable<ServeRequest["onProgress"]>) {
    const { files, request } = this.#recipe;
    const file = await files.open(signal);
    try {
      await release();
      const factories = this.#factories(attempt);
      const { weights } = await defineModel(file);
      const served = await serve(factories, { ...request, weights, signal, onProgress });
      if (signal.aborted) await discard(served);
      throwIfAborted(signal, "Loading the model");
      return served;
    } finally {
      await file.close();
    }
  }

  /** The one that served comes first, unless a first reload with it did not help; the others as the caller has them. */
  #factories(attempt: number): readonly BackendFactory[] {
    const { factory } = this.#served;
    const others = this.#recipe.factories.filter((other) => other !== factory);
    return attempt === 1 ? [factory, ...others] : [...others, factory];
  }

  #replace(served: Served, reason: MilletError, elapsedMs: number): void {
    const recovery = {
      reason,
      lostBackend: this.#served.backend.name,
      backend: served.backend.name,
      time: new Date(),
      elapsedMs,
    };
    this.#recoveries = [...this.#recoveries, recovery];
    this.#served = served;
    this.#isFree = false;
    this.#report = this.#reportOf(served);
  }

  async discard(): Promise<void> {
    if (this.#isFree) return;
    this.#isFree = true;
    await discard(this.#served);
  }

  /** Frees a model and a backend that are well. */
  async dispose(): Promise<void> {
    if (this.#isFree) return;
    this.#isFree = true;
    await this.#served.model.dispose();
    await this.#served.backend.dispose();
  }

  /** On a turn of its own: what the listener throws is the app's unhandled rejection and stops no recovery. */
  #tell(progress: RecoveryProgress): void {
    void Promise.resolve(progress).then(this.#recipe.onRecovery);
  }

  #reportOf({ backend, model, estimate, rejected }: Served): BackendReport {
    const { name, capabilities } = backend;
    const { byteLength: weightBytes, packedFile } = model;
    const recoveries = this.#recoveries;
    return { name, capabilities, estimate, weightBytes, rejected, packedFile, recoveries };
  }
}

async function discard({ model, backend }: Served): Promise<void> {
  await settle(() => model.dispose(), DISCARD_LIMIT_MS);
  await settle(() => backend.dispose(), DISCARD_LIMIT_MS);
}

function asMilletError(error: unknown): MilletError {
  if (isMilletError(error)) return error;
  return new MilletError("BACKEND_FAILED", String(error), { cause: error });
}
