/**
 * Cuts a graph of a step between layers, where one value alone passes on: the part before computes hidden states, the part
 * after takes them as an input. Graphs that keep more than one value alive between layers have no such place.
 */
import { type Graph, type Node, printGraph, type Value } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";
import { elementCount } from "@millet/core/tensor";

/** A place between two layers. */
export interface LayerCut {
  /** Nodes before it. */
  readonly nodes: number;
  /** Layers before it. */
  readonly layers: number;
  /** What passes, [tokens, hidden]. */
  readonly value: Value;
}

/** Name of what passes, an output before the cut and an input after it. */
export const HIDDEN = "hidden";

/** The last such place after each layer, in order; after the last layer it is where wanted rows are taken. */
export function layerCuts(graph: Graph): readonly LayerCut[] {
  const lastUse = new Map<Value, number>();
  graph.nodes.forEach((node, i) => {
    for (const value of node.inputs) lastUse.set(value, i);
  });
  for (const value of Object.values(graph.outputs)) lastUse.set(value, Number.POSITIVE_INFINITY);
  const cuts = new Map<number, LayerCut>();
  let alive: readonly Value[] = [];
  let layers = 0;
  graph.nodes.forEach((node, i) => {
    alive = [...alive, ...node.outputs].filter((value) => (lastUse.get(value) ?? -1) > i);
    if (node.op === "attention") layers++;
    const [value, ...others] = alive;
    if (layers > 0 && value?.rowAxis === "tokens" && others.length === 0) {
      cuts.set(layers, { nodes: i + 1, layers, value });
    }
  });
  return [...cuts.values()];
}

/** Layers of a graph. */
export function layerCount(graph: Graph): number {
  return graph.nodes.filter(({ op }) => op === "attention").length;
}

/** The part before the cut; its output is named `hidden`. */
export function before(graph: Graph, { nodes, value }: LayerCut): Graph {
  return part(graph, graph.nodes.slice(0, nodes), { [HIDDEN]: value });
}

/** The part after the cut, which has an input named `hidden` besides those it needs of the graph's. */
export function after(graph: Graph, { nodes, value }: LayerCut): Graph {
  const input: Value = { ...value, name: HIDDEN, kind: "input" };
  const rest = graph.nodes
    .slice(nodes)
    .map((node) => ({ ...node, inputs: node.inputs.map((one) => (one === value ? input : one)) }));
  return part({ ...graph, inputs: { ...graph.inputs, [HIDDEN]: input } }, rest, graph.outputs);
}

/** Elements of dense layers that every token passes: what an accelerator would hold. */
export function denseElements(graph: Graph): number {
  const weights = new Set<Value>();
  for (const node of graph.nodes.map(asOpNode)) {
    if (node.op === "linear" && node.outputs[0]!.rowAxis === "tokens") weights.add(node.inputs[1]!);
  }
  return [...weights].reduce((sum, { spec }) => sum + elementCount(spec.shape), 0);
}

/** A graph of these nodes with the inputs and weights that they use. */
function part(graph: Graph, nodes: readonly Node[], outputs: Graph["outputs"]): Graph {
  const used = new Set<Value>(nodes.flatMap(({ inputs }) => inputs));
  const those = (values: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => used.has(value)));
  const { name } = graph;
  const result = { name, inputs: those(graph.inputs), weights: those(graph.weights), nodes, outputs };
  return { ...result, toString: () => printGraph({ ...result, toString: () => name }) };
}
