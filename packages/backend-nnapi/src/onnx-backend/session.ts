/** A graph on one session: a turn becomes steps, each with feeds of its own; new keys and values go to the cache. */
import { isMilletError, MilletError } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import type { EmittedGraph } from "../emit/emit.js";
import type { OrtSession } from "../runtime/ort.js";
import type { OnnxState } from "./cache.js";
import type { Computation, Turn } from "./computation.js";
import { runGrouped } from "./grouped-step.js";
import type { HeadRows } from "./kv-buffer.js";
import { Results } from "./results.js";
import { type FeedSources, StepFeeds } from "./step-feeds.js";
import { type Step, stepsOf } from "./steps.js";

/** What sessions of one model share. */
export type OnnxModelParts = FeedSources;

export class SessionComputation implements Computation {
  readonly #graph: Graph;
  readonly #emitted: EmittedGraph;
  readonly #session: OrtSession;
  readonly #parts: OnnxModelParts;

  constructor(graph: Graph, emitted: EmittedGraph, session: OrtSession, parts: OnnxModelParts) {
    this.#graph = graph;
    this.#emitted = emitted;
    this.#session = session;
    this.#parts = parts;
  }

  toString(): string {
    const { nodes, initializers } = this.#emitted.model.graph;
    const lines = nodes.map(
      ({ opType, inputs, outputs }) => `  ${outputs.join(", ")} = ${opType}(${inputs.join(", ")})`,
    );
    return [
      `onnx ${this.#emitted.model.graph.name}: ${nodes.length} nodes, ${initializers.length} constants`,
      ...lines,
    ].join("\n");
  }

  async compute({ inputs, rows, state }: Turn): Promise<ReadonlyMap<string, Float32Array>> {
    const results = new Results(this.#graph, rows);
    for (const step of stepsOf(this.#graph, this.#emitted, inputs, rows, state))
      results.add(step, await this.#runStep(step, state));
    return results.whole;
  }

  async #runStep(step: Step, state: OnnxState | undefined): Promise<ReadonlyMap<string, Float32Array>> {
    const given = new StepFeeds(this.#emitted, step, this.#parts, this.#graph.inputs);
    if (!state || !step.indices) return this.#runSession(given);
    const { caches, grouped } = this.#emitted.feeds;
    const { writeRows, positions } = step.indices;
    given.addGeneral(state);
    const run = () => this.#runSession(given);
    const results = await (grouped.length === 0 ? run() : runGrouped(given, step, state, run));
    writeRows.forEach((row, t) => {
      state.positions[row] = positions[t]!;
    });
    for (const { layer, newKeys, newValues } of caches) {
      scatter(layer, state.buffer.keys, writeRows, results.get(newKeys)!);
      scatter(layer, state.buffer.values, writeRows, results.get(newValues)!);
    }
    return results;
  }

  async #runSession({ feeds, fetches }: StepFeeds): Promise<ReadonlyMap<string, Float32Array>> {
    const wanted = Object.fromEntries(this.#session.outputNames.map((name) => [name, fetches[name] ?? null]));
    try {
      const results = await this.#session.run(feeds, wanted);
      return new Map(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
    } catch (error) {
      throw runtimeError(`run graph "${this.#emitted.model.graph.name}"`, error);
    }
  }
}

/** @param fresh [rows or more, heads, size] */
function scatter(layer: number, cache: HeadRows, rows: Int32Array, fresh: Float32Array): void {
  const columns = cache.heads * cache.size;
  rows.forEach((row, t) => {
    cache.writeRows(layer, row, 1, fresh.subarray(t * columns, (t + 1) * columns));
  });
}

/** What the runtime fails with, as a MilletError. */
export function runtimeError(what: string, error: unknown): MilletError {
  if (isMilletError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const isMemory = /alloc|out of memory|OOM/i.test(reason);
  return new MilletError(
    isMemory ? "OUT_OF_MEMORY" : "BACKEND_FAILED",
    `ONNX Runtime could not ${what}: ${reason}`,
    { cause: error },
  );
}
