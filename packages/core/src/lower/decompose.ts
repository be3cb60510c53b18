/** Rewrites a graph so that a backend supports every node: unsupported ops are replaced by their decompositions. */
import { MilletError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import type { Graph, Node, Value } from "../graph/graph.js";
import { printNode } from "../graph/print.js";
import { opOf } from "../ops/index.js";

export type Supports = (node: Node) => boolean;

/**
 * @param supports whether the backend compiles a node as it is
 * @returns the graph itself if nothing needs replacing
 * @throws MilletError GRAPH_UNSUPPORTED_OP naming the node that is neither supported nor decomposable
 */
export function decompose(graph: Graph, supports: Supports): Graph {
  let current = graph;
  // A decomposition may itself contain composite ops; each pass replaces one level.
  while (!current.nodes.every(supports)) current = decomposeOnce(current, supports);
  return current;
}

function decomposeOnce(graph: Graph, supports: Supports): Graph {
  const builder = new GraphBuilder(graph.name);
  const renamed = new Map<Value, Value>();
  for (const [name, value] of Object.entries(graph.inputs)) {
    renamed.set(value, builder.input(name, value.spec, value.rowAxis));
  }
  for (const [name, value] of Object.entries(graph.weights))
    renamed.set(value, builder.weight(name, value.spec));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => renamed.get(value)!);
    const outputs = emitSupported(builder, node, inputs, supports);
    node.outputs.forEach((value, i) => renamed.set(value, outputs[i]!));
  }
  const outputs = Object.entries(graph.outputs).map(([name, value]) => [name, renamed.get(value)!]);
  return builder.finish(Object.fromEntries(outputs));
}

function emitSupported(
  builder: GraphBuilder,
  node: Node,
  inputs: readonly Value[],
  supports: Supports,
): readonly Value[] {
  const def = opOf(node);
  if (supports(node)) return builder.emit(def, inputs, node.attrs);
  const outputs = def.decompose?.(builder, inputs, node.attrs);
  if (!outputs) throw unsupported(node);
  return outputs;
}

function unsupported(node: Node): MilletError {
  return new MilletError(
    "GRAPH_UNSUPPORTED_OP",
    `The backend has no kernel for "${printNode(node)}" and the op has no decomposition that helps.`,
  );
}
