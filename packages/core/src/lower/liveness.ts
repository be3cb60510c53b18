/** When each value of a graph is needed: from the node that makes it to the last node that reads it. */
import type { Graph, Value } from "../graph/graph.js";

/** Node indices, both inclusive. Graph outputs live to the end; inputs and weights are not listed. */
export interface Lifetime {
  readonly first: number;
  readonly last: number;
}

/** Lifetimes of all results; one that nobody reads dies where it is made. */
export function lifetimes(graph: Graph): Map<Value, Lifetime> {
  const result = new Map<Value, Lifetime>();
  graph.nodes.forEach((node, index) => {
    for (const value of node.inputs) {
      const made = result.get(value);
      if (made) result.set(value, { first: made.first, last: index });
    }
    for (const value of node.outputs) result.set(value, { first: index, last: index });
  });
  for (const value of Object.values(graph.outputs)) {
    const made = result.get(value);
    if (made) result.set(value, { first: made.first, last: graph.nodes.length });
  }
  return result;
}
