/**
 * Where the division of a layer's input by column costs nothing: in the weight of the norm that makes it, or in the factors
 * of the layer whose output, times an activation, it is (Xiao et al. 2023, arXiv 2211.10438, smooth norms that way).
 */
import type { Graph, Value } from "@millet/core/graph";
import { asOpNode, type OpNode } from "@millet/core/ops";
import type { QuantizationPlan } from "./plan.js";

/** Divisors of values that come out divided already. */
export class Folding {
  readonly #divisors = new Map<Value, Float32Array>();

  constructor(graph: Graph, { linears }: QuantizationPlan) {
    const nodes = graph.nodes.map(asOpNode);
    const users = usersOf(nodes);
    const outputs = new Set(Object.values(graph.outputs));
    const producers = new Map(nodes.map((node) => [node.outputs[0]!, node]));
    const linearOf = (node: OpNode | undefined) =>
      node?.op === "linear" ? linears.get(node.inputs[1]!.name) : undefined;
    const isPlain = (node: OpNode | undefined) => linearOf(node) !== undefined && node?.inputs.length === 2;
    for (const [value, uses] of users) {
      const first = linearOf(uses[0]);
      const all = uses.every(
        (node) => linearOf(node)?.divisors === first?.divisors && node.inputs[0] === value,
      );
      if (!first || !all || outputs.has(value)) continue;
      const producer = producers.get(value);
      if (isNorm(producer)) this.#divisors.set(value, first.divisors);
      if (producer?.op !== "swiglu" && producer?.op !== "geglu" && producer?.op !== "mul") continue;
      const factor = producer.inputs[1]!;
      const isAlone =
        users.get(factor)?.length === 1 && factor !== producer.inputs[0] && !outputs.has(factor);
      if (!isAlone || !isPlain(producers.get(factor))) continue;
      this.#divisors.set(value, first.divisors);
      this.#divisors.set(factor, first.divisors);
    }
  }

  of(value: Value): Float32Array | undefined {
    return this.#divisors.get(value);
  }
}

function isNorm(node: OpNode | undefined): boolean {
  return node?.op === "rms_norm" && (node.attrs.groups ?? 1) === 1;
}

function usersOf(nodes: readonly OpNode[]): ReadonlyMap<Value, readonly OpNode[]> {
  const users = new Map<Value, OpNode[]>();
  for (const node of nodes) {
    for (const value of new Set(node.inputs)) users.set(value, [...(users.get(value) ?? []), node]);
  }
  return users;
}
