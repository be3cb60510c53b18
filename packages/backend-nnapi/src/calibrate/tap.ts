/** A step's graph with what enters and leaves its dense layers as outputs of their own. */
import { type Graph, printGraph, type Value } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";

export interface TappedGraph {
  readonly graph: Graph;
  /** The added outputs in order, with the number of columns of each. */
  readonly taps: readonly { readonly output: string; readonly columns: number; readonly value: Value }[];
  /** Positions in `taps`, by the name of the layer's weight. */
  readonly linears: Readonly<Record<string, { readonly input: number; readonly output: number }>>;
}

/** Of layers that every token passes; the output matrix sees wanted rows only and is left out. */
export function tapLinears(graph: Graph): TappedGraph {
  const tapped = new Map<Value, number>();
  const tap = (value: Value): number => {
    const index = tapped.get(value) ?? tapped.size;
    tapped.set(value, index);
    return index;
  };
  const linears: Record<string, { input: number; output: number }> = {};
  for (const node of graph.nodes.map(asOpNode)) {
    const [x, weight] = node.inputs;
    const output = node.outputs[0]!;
    if (node.op !== "linear" || output.rowAxis !== "tokens" || x!.kind !== "result") continue;
    linears[weight!.name] = { input: tap(x!), output: tap(output) };
  }
  const taps = [...tapped.keys()].map((value, i) => ({
    output: `tap.${i}`,
    columns: value.spec.shape[1]!,
    value,
  }));
  const outputs = Object.fromEntries(taps.map(({ output, value }) => [output, value]));
  const whole: Graph = {
    ...graph,
    outputs: { ...graph.outputs, ...outputs },
    toString: () => printGraph(whole),
  };
  return { graph: whole, taps, linears };
}
