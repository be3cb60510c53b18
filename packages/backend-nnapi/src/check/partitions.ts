/**
 * How ONNX Runtime cuts a graph for a provider that takes some of its nodes: one part is as many supported nodes as can be
 * reached, in topological order, without an unsupported one in between that depends on them.
 */
import type { OnnxGraph, OnnxNode } from "../onnx/model.js";

/** @returns the parts that the provider would run, each with its nodes in topological order */
export function partition(
  graph: OnnxGraph,
  isSupported: (node: OnnxNode) => boolean,
): readonly (readonly OnnxNode[])[] {
  const edges = new Edges(graph);
  const parts: OnnxNode[][] = [[]];
  const fedByPart = new Set<OnnxNode>();
  let ready = edges.roots();
  let waiting: OnnxNode[] = [];
  while (ready.length + waiting.length > 0) {
    const node = ready.shift();
    if (node === undefined) {
      parts.push([]);
      fedByPart.clear();
      [ready, waiting] = [waiting, []];
      continue;
    }
    const supported = isSupported(node);
    if (supported) parts.at(-1)?.push(node);
    else if (fedByPart.has(node)) {
      waiting.push(node); // it needs what the open part computes, so that part must end first
      continue;
    }
    for (const consumer of edges.consumers(node)) {
      if (supported) fedByPart.add(consumer);
      if (edges.release(consumer)) ready.push(consumer);
    }
  }
  return parts.filter((part) => part.length > 0);
}

/** Who takes whose outputs, and how many inputs a node still waits for. */
class Edges {
  readonly #consumers = new Map<OnnxNode, OnnxNode[]>();
  readonly #missing = new Map<OnnxNode, number>();
  readonly #nodes: readonly OnnxNode[];

  constructor({ nodes }: OnnxGraph) {
    this.#nodes = nodes;
    const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
    for (const node of nodes) {
      const sources = node.inputs.flatMap((input) => producers.get(input) ?? []);
      this.#missing.set(node, sources.length);
      for (const source of sources)
        this.#consumers.set(source, [...(this.#consumers.get(source) ?? []), node]);
    }
  }

  roots(): OnnxNode[] {
    return this.#nodes.filter((node) => this.#missing.get(node) === 0);
  }

  /** A node once per operand that it takes. */
  consumers(node: OnnxNode): readonly OnnxNode[] {
    return this.#consumers.get(node) ?? [];
  }

  /** One operand of the node is there; true if that was the last. */
  release(node: OnnxNode): boolean {
    const missing = (this.#missing.get(node) ?? 0) - 1;
    this.#missing.set(node, missing);
    return missing === 0;
  }
}
