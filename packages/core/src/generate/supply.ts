/** What generation needs to go on after the loss of a backend: the model that serves, and a way to load it again. */
import type { LoadedModel } from "../backend/backend.js";
import type { MilletError } from "../errors.js";

export interface Reload {
  /** What made it necessary: BACKEND_LOST or OUT_OF_MEMORY. */
  readonly reason: MilletError;
  /** 1; more where the ones before did not lead to a token. */
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** To be awaited once the model's files are open again, before anything is loaded: frees the old model. */
  readonly release: () => Promise<void>;
}

export interface ModelSupply {
  /** The model that serves. */
  readonly model: LoadedModel;
  /** Settles when the backend of this model goes away; see Backend.lost. */
  readonly lost: Promise<MilletError>;
  /** Why the model cannot be loaded again, as far as that is known without trying. */
  reloadProblem(): MilletError | undefined;
  /**
   * Loads the model again; `model` and `lost` are then new ones. If it fails, nothing of the attempt stays behind.
   * @throws MilletError SOURCE_*, GGUF_*, ABORTED and what backends fail with
   */
  reload(request: Reload): Promise<void>;
  /** Frees model and backend, which may be broken: takes a few seconds at most and never fails. */
  discard(): Promise<void>;
}
