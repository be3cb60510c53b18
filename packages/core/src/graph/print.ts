/** Prints a graph as stable, readable text: one line per node, shapes at line ends. */
import { formatSpec } from "../tensor/tensor.js";
import type { Graph, Node, Value } from "./graph.js";

/** One line per input, node and output: `%7 = linear(%5, blk.0.attn_q.weight) // f32[128, 576]`. */
export function printGraph(graph: Graph): string {
  const inputs = Object.values(graph.inputs).map((value) => `  input ${value.name} // ${describe(value)}`);
  const outputs = Object.entries(graph.outputs).map(([name, value]) => `  output ${name} = ${value.name}`);
  return [
    `graph ${graph.name} {`,
    ...inputs,
    ...graph.nodes.map((n) => `  ${printNode(n)}`),
    ...outputs,
    "}",
  ].join("\n");
}

/** The line of one node, also used in messages about it. */
export function printNode(node: Node): string {
  const results = node.outputs.map((value) => value.name).join(", ");
  const operands = [...node.inputs.map((value) => value.name), ...printAttrs(node.attrs)].join(", ");
  return `${results} = ${node.op}(${operands}) // ${node.outputs.map(describe).join(", ")}`;
}

function describe(value: Value): string {
  return value.rowAxis === "fixed" ? formatSpec(value.spec) : `${formatSpec(value.spec)} by ${value.rowAxis}`;
}

function printAttrs(attrs: unknown): string[] {
  if (typeof attrs !== "object" || attrs === null) return [];
  return Object.entries(attrs)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${printAttr(value)}`);
}

function printAttr(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length <= 4 ? `[${value.join(", ")}]` : `[${value[0]}, ... ${value.length}]`;
  }
  if (typeof value === "object" && value !== null) return `{${printAttrs(value).join(", ")}}`;
  return String(value);
}
