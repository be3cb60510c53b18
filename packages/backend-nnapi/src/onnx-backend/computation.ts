/**
 * What a call computes once its turn in the model's queue has come. An executable checks and queues calls; how their outputs
 * come about (one session, a chain of shards, one way with another behind it) is a computation's business.
 */
import type { ActiveRows } from "@millet/core/backend";
import type { HostTensor } from "@millet/core/tensor";
import type { OnnxState } from "./cache.js";

/** A call whose indices point to something. */
export interface Turn {
  /** Copies that belong to the call. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly rows: ActiveRows;
  readonly state: OnnxState | undefined;
}

export interface Computation {
  /**
   * The graph's outputs by name, f32 with the call's rows; new keys and values are in the state when it resolves.
   * A turn may be computed again by another computation after a failure: the rows it wrote are written anew.
   * @throws MilletError OUT_OF_MEMORY, BACKEND_FAILED
   */
  compute(turn: Turn): Promise<ReadonlyMap<string, Float32Array>>;
  /** What runs, as readable text. */
  toString(): string;
}
