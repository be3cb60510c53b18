/**
 * A fast computation with a safe one behind it. Turns that suit the fast one go there; if it throws or gives numbers that are
 * not finite, the same turn is computed by the safe one, and all that follow: who reads the answer notices nothing.
 */

import { isMilletError, MilletError } from "@millet/core/errors";
import type { Graph, Value } from "@millet/core/graph";
import { viewAs } from "@millet/core/tensor";
import type { OnnxState } from "../onnx-backend/cache.js";
import type { Computation, Turn } from "../onnx-backend/computation.js";
import { allFinite, withLimit } from "./contest.js";
import { rejected } from "./providers.js";

export interface FailoverOptions {
  readonly graph: Graph;
  /** Fewer tokens are not worth a chunk of fixed size. */
  readonly leastTokens: number;
  /** Told once, with what went wrong. If it throws, the turn fails with that. */
  readonly onFailure: (error: MilletError) => void;
  /** Frees what the fast one holds. */
  readonly release: () => Promise<void>;
}

export class Failover implements Computation {
  readonly #fast: Computation;
  readonly #safe: Computation;
  readonly #options: FailoverOptions;
  /** Inputs that say which sequence a token belongs to, and where its keys and values go. */
  readonly #sequences: string | undefined;
  readonly #writeRows: string | undefined;
  #failed = false;

  constructor(fast: Computation, safe: Computation, options: FailoverOptions) {
    this.#fast = fast;
    this.#safe = safe;
    this.#options = options;
    const attention = options.graph.nodes.find(({ op }) => op === "attention");
    this.#sequences = inputName(options.graph, attention?.inputs[4]);
    this.#writeRows = inputName(options.graph, attention?.inputs[5]);
  }

  async compute(turn: Turn): Promise<ReadonlyMap<string, Float32Array>> {
    if (this.#failed || !this.#suits(turn)) return this.#safe.compute(turn);
    try {
      const outputs = await withLimit(this.#fast.compute(turn));
      this.#check(outputs, turn);
      return outputs;
    } catch (error) {
      if (isMilletError(error) && error.code === "ABORTED") throw error;
      this.#failed = true;
      await withLimit(this.#options.release()).catch(() => undefined); // it failed before, and that is what counts
      this.#options.onFailure(rejected(error, "The accelerator failed while it was in use"));
      return this.#safe.compute(turn);
    }
  }

  /** One sequence, whose keys and values lie in one place, and enough of it. */
  #suits({ inputs, rows }: Turn): boolean {
    const sequences = this.#sequences && inputs[this.#sequences];
    if (!sequences || rows.tokens < this.#options.leastTokens) return false;
    const owners = viewAs(sequences, "i32");
    return owners.every((owner) => owner === owners[0]);
  }

  /** What is wrong anywhere is wrong in the last layer's keys, too, and a turn without wanted rows has no more. */
  #check(outputs: ReadonlyMap<string, Float32Array>, { inputs, state }: Turn): void {
    const written = this.#writeRows && inputs[this.#writeRows];
    const rows = state && written ? viewAs(written, "i32") : new Int32Array(0);
    const ok = [...outputs.values()].every(allFinite) && (!state || lastKeysAreFinite(state, rows));
    if (ok) return;
    throw new MilletError("NNAPI_DRIVER_REJECTED", "The accelerator returned numbers that are not finite.");
  }

  toString(): string {
    const { leastTokens } = this.#options;
    return `from ${leastTokens} tokens of one sequence on:\n${this.#fast}\notherwise:\n${this.#safe}`;
  }
}

function inputName({ inputs }: Graph, wanted: Value | undefined): string | undefined {
  return Object.entries(inputs).find(([, value]) => value === wanted)?.[0];
}

function lastKeysAreFinite({ plan, buffer }: OnnxState, rows: Int32Array): boolean {
  const keys = new Float32Array(plan.kvHeads * plan.headDim);
  return rows.every((row) => {
    buffer.keys.readRows(plan.layers - 1, row, 1, keys);
    return allFinite(keys);
  });
}
