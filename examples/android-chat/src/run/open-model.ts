/** A stored model on a backend, and what that decided. */
import { loadModel, type Model } from "@millet/core";
import type { Store } from "@millet/core/store";
import type { BackendPlan, PlannedBackend } from "./backend";

export interface OpenedModel {
  readonly model: Model;
  /** How prompts are computed and why. */
  readonly plan: BackendPlan | undefined;
  readonly loadMs: number;
}

export interface OpenRequest {
  /** Of a model that is in the store. */
  readonly address: string;
  readonly store: Store;
  readonly backend: PlannedBackend;
  readonly contextLength: number;
  readonly signal: AbortSignal;
}

/** @throws MilletError as loadModel does */
export async function openModel(request: OpenRequest): Promise<OpenedModel> {
  const { address, store, backend, contextLength, signal } = request;
  const begin = performance.now();
  const model = await loadModel(address, {
    backend,
    store,
    network: "none",
    contextLength,
    signal,
  });
  return { model, plan: backend.plan, loadMs: performance.now() - begin };
}
