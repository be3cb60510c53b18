/**
 * Which values every thread computes for itself: a norm of few rows costs less than the barrier that sharing it would.
 */
import type { Graph, Value } from "@millet/core/graph";

/** Rows up to which work is replicated. */
const FEW_ROWS = 4;

export function hasFewRows(value: Value): boolean {
  return value.spec.shape[0]! <= FEW_ROWS;
}

/** Outputs of norms with few rows that only `linear` reads. */
export function replicatedValues(graph: Graph): ReadonlySet<Value> {
  const values = graph.nodes
    .filter(({ op }) => op === "rms_norm" || op === "layer_norm")
    .flatMap((node) => node.outputs);
  const results = new Set(Object.values(graph.outputs));
  return new Set(
    values.filter((value) => {
      const readers = graph.nodes.filter((node) => node.inputs.includes(value));
      return hasFewRows(value) && !results.has(value) && readers.every(({ op }) => op === "linear");
    }),
  );
}
