/**
 * Where models are cut. Before GroupQueryAttention a cut costs nothing, since accelerators end a part there anyway; within
 * a layer only where it would be larger than a shard may be. Of models of one set what they begin with in common is cut
 * off, so that its weights are there once.
 */
import type { OnnxModel } from "../onnx/model.js";
import { nodeByteLength, tensorByteLength } from "../onnx/write.js";

/** Room in a file for what is neither node nor constant: types of values, by the node, and a head. */
const BYTES_BESIDES_NODE = 64;
const HEAD_BYTES = 1024;

/**
 * Indices of nodes where shards begin, besides 0.
 * @param maxBytes most bytes of a shard's file; one matrix is never cut
 * @param forced a place where there must be a cut
 */
export function shardCuts({ graph }: OnnxModel, maxBytes: number, forced: readonly number[] = []): number[] {
  const sizes = new Map(graph.initializers.map((tensor) => [tensor.name, tensorByteLength(tensor)]));
  const places = graph.nodes.flatMap(({ opType }, i) =>
    i > 0 && opType === "GroupQueryAttention" ? [i] : [],
  );
  const nodeBytes = graph.nodes.map((node) => nodeByteLength(node) + BYTES_BESIDES_NODE);
  const byteLength = (from: number, to: number) => {
    const constants = new Set(graph.nodes.slice(from, to).flatMap(({ inputs }) => inputs));
    const weights = [...constants].reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
    return nodeBytes.slice(from, to).reduce((sum, bytes) => sum + bytes, weights + HEAD_BYTES);
  };
  const bounds = [...new Set([0, ...places, ...forced, graph.nodes.length])].sort((a, b) => a - b);
  const pieces = bounds.slice(1).flatMap((end, i) => {
    const start = bounds[i]!;
    if (byteLength(start, end) <= maxBytes) return [start];
    const withWeights = graph.nodes.slice(start + 1, end).flatMap(({ inputs }, j) => {
      return inputs.some((input) => sizes.has(input)) ? [start + 1 + j] : [];
    });
    return [start, ...withWeights];
  });
  const cuts: number[] = [];
  let from = 0;
  pieces.forEach((start, i) => {
    const end = pieces[i + 1] ?? graph.nodes.length;
    if (start > from && (forced.includes(start) || byteLength(from, end) > maxBytes)) {
      cuts.push(start);
      from = start;
    }
  });
  return cuts;
}

/** How many nodes all of the models begin with; 0 if these have no constants, so that nothing would be saved. */
export function commonNodes(models: readonly OnnxModel[]): number {
  const [first, ...others] = models.map(({ graph }) => new Shape(graph));
  if (!first || others.length === 0) return 0;
  let count = 0;
  while (first.node(count) !== undefined && others.every((other) => other.node(count) === first.node(count)))
    count++;
  return first.hasConstants(count) ? count : 0;
}

/** A graph's nodes as text, with the types of what they take from outside. */
class Shape {
  readonly #graph: OnnxModel["graph"];
  readonly #types: ReadonlyMap<string, unknown>;

  constructor(graph: OnnxModel["graph"]) {
    this.#graph = graph;
    const constants = graph.initializers.map(({ name, dtype, dims }) => [name, [dtype, dims]] as const);
    const inputs = graph.inputs.map(({ name, dtype, shape }) => [name, [dtype, shape]] as const);
    this.#types = new Map<string, unknown>([...constants, ...inputs]);
  }

  node(index: number): string | undefined {
    const node = this.#graph.nodes[index];
    return node && JSON.stringify([node, node.inputs.map((name) => this.#types.get(name))]);
  }

  hasConstants(nodes: number): boolean {
    const names = new Set(this.#graph.initializers.map(({ name }) => name));
    return this.#graph.nodes.slice(0, nodes).some(({ inputs }) => inputs.some((name) => names.has(name)));
  }
}
