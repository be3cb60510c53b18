/**
 * Places the results of a graph in one arena so that values with disjoint lifetimes share bytes.
 * Greedy by size, first fit (Pisarchyk and Lee 2020, arXiv 2001.03288). A node's outputs never overlap its inputs.
 */
import type { Graph, Value } from "../graph/graph.js";
import { type Lifetime, lifetimes } from "./liveness.js";

export interface MemoryPlan {
  /** Byte offset of each result in the arena. */
  readonly offsets: ReadonlyMap<Value, number>;
  readonly byteLength: number;
}

interface Placed extends Lifetime {
  readonly start: number;
  readonly end: number;
}

/**
 * @param sizeOf bytes that a backend needs for a value, padding included; 0 leaves the value out
 * @param alignment of every offset, in bytes
 * @param slack nodes for which a value's bytes stay its own after its last use, so that threads which run ahead do not
 *   write over what others still read
 */
export function planMemory(
  graph: Graph,
  sizeOf: (value: Value) => number,
  alignment: number,
  slack = 0,
): MemoryPlan {
  const alive = new Map(
    [...lifetimes(graph)].map(([value, { first, last }]) => [value, { first, last: last + slack }]),
  );
  const bySize = [...alive.keys()]
    .map((value) => ({ value, size: Math.ceil(sizeOf(value) / alignment) * alignment }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size || a.value.id - b.value.id);
  const offsets = new Map<Value, number>();
  const placed: Placed[] = [];
  for (const { value, size } of bySize) {
    const lifetime = alive.get(value)!;
    const start = firstFit(placed, lifetime, size);
    offsets.set(value, start);
    placed.push({ ...lifetime, start, end: start + size });
  }
  return { offsets, byteLength: placed.reduce((most, { end }) => Math.max(most, end), 0) };
}

function firstFit(placed: readonly Placed[], { first, last }: Lifetime, size: number): number {
  const neighbours = placed
    .filter((other) => other.first <= last && first <= other.last)
    .sort((a, b) => a.start - b.start);
  let start = 0;
  for (const other of neighbours) {
    if (start + size <= other.start) break;
    start = Math.max(start, other.end);
  }
  return start;
}
