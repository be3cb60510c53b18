/**
 * Moves the choice of rows up: what is computed of a prompt's other rows and then left out is not computed at all. Of a
 * decoder's last layer, that leaves their keys and values.
 */
import { GraphBuilder } from "../graph/builder.js";
import type { Graph, Node, Value } from "../graph/graph.js";
import { gatherRows, opOf } from "../ops/index.js";

/** @returns a graph with the same outputs; the graph itself if nothing can be left out */
export function gatherEarly(graph: Graph): Graph {
  const indices = new Set(graph.nodes.filter(isGather).map(({ inputs }) => inputs[1]!));
  for (const index of indices) {
    const chosen = valuesOfChosenRows(graph, index);
    if (chosen.size > 0) return gatherEarly(rewritten(graph, index, chosen));
  }
  return graph;
}

function isGather({ op }: Node): boolean {
  return op === gatherRows.op;
}

/** Results that are computed row by row, and of which only the rows at `index` count. */
function valuesOfChosenRows(graph: Graph, index: Value): ReadonlySet<Value> {
  const chosen = new Set<Value>();
  // Values that something else reads whole.
  const whole = new Set(Object.values(graph.outputs));
  const read = new Set<Value>();
  for (const node of graph.nodes.toReversed()) {
    const [output, ...others] = node.outputs;
    const isChosen =
      output && others.length === 0 && read.has(output) && !whole.has(output) && isByRows(node);
    if (isChosen) chosen.add(output);
    node.inputs.forEach((value, i) => {
      read.add(value);
      const takesChosen = isGather(node) ? i === 0 && node.inputs[1] === index : isChosen;
      if (!takesChosen) whole.add(value);
    });
  }
  return chosen;
}

function isByRows(node: Node): boolean {
  const { rowInputs = 0 } = opOf(node);
  return rowInputs > 0 && node.inputs.slice(0, rowInputs).every(({ kind }) => kind !== "weight");
}

/** The graph with `chosen` computed of the rows at `index` alone. */
function rewritten(graph: Graph, index: Value, chosen: ReadonlySet<Value>): Graph {
  const builder = new GraphBuilder(graph.name);
  /** By the values of the old graph: the new ones, those of `chosen` with their rows chosen. */
  const made = new Map<Value, Value>();
  for (const [name, value] of Object.entries(graph.inputs))
    made.set(value, builder.input(name, value.spec, value.rowAxis));
  for (const [name, value] of Object.entries(graph.weights))
    made.set(value, builder.weight(name, value.spec));
  const gathered = new Map<Value, Value>();
  const chosenRows = (value: Value): Value => {
    if (chosen.has(value)) return made.get(value)!;
    const known = gathered.get(value);
    if (known) return known;
    const rows = builder.emitOne(gatherRows, [made.get(value)!, made.get(index)!], {});
    gathered.set(value, rows);
    return rows;
  };
  for (const node of graph.nodes) {
    const [first, second] = node.inputs;
    if (isGather(node) && second === index) {
      made.set(node.outputs[0]!, chosenRows(first!));
      continue;
    }
    const def = opOf(node);
    const byRows = node.outputs.some((value) => chosen.has(value)) ? def.rowInputs! : 0;
    const inputs = node.inputs.map((value, i) => (i < byRows ? chosenRows(value) : made.get(value)!));
    const outputs = builder.emit(def, inputs, node.attrs);
    node.outputs.forEach((value, i) => made.set(value, outputs[i]!));
  }
  const outputs = Object.entries(graph.outputs).map(([name, value]) => [name, made.get(value)!]);
  return builder.finish(Object.fromEntries(outputs));
}
