/**
 * A fast computation with a safe one behind it. Turns that suit the fast one go there; if it throws or gives numbers that are
 * not finite, the same turn is computed by the safe one, and all that follow: who reads the answer notices nothing.
 */

import { isMilletError, MilletError } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import { viewAs } from "@millet/core/tensor";
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
  /** The input that says which sequence a token belongs to. */
  readonly #sequences: string | undefined;
  #failed = false;

  constructor(fast: Computation, safe: Computation, options: FailoverOptions) {
    this.#fast = fast;
    this.#safe = safe;
    this.#options = options;
    const { inputs, nodes } = options.graph;
    const owner = nodes.find(({ op }) => op === "attention")?.inputs[4];
    this.#sequences = Object.entries(inputs).find(([, value]) => value === owner)?.[0];
  }

  async compute(turn: Turn): Promise<ReadonlyMap<string, Float32Array>> {
    if (this.#failed || !this.#suits(turn)) return this.#safe.compute(turn);
    try {
      const outputs = await withLimit(this.#fast.compute(turn));
      if (![...outputs.values()].every(allFinite))
        throw new MilletError(
          "NNAPI_DRIVER_REJECTED",
          "The accelerator returned numbers that are not finite.",
        );
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

  toString(): string {
    const { leastTokens } = this.#options;
    return `from ${leastTokens} tokens of one sequence on:\n${this.#fast}\notherwise:\n${this.#safe}`;
  }
}
