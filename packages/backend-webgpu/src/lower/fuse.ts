/**
 * Groups the nodes of a graph that one kernel can serve: linears that share their input, with the norm and the choice of
 * rows before them and the gate or the residual after. Nothing is computed differently, only together.
 */
import type { Graph, Value } from "@millet/core/graph";
import { asOpNode, type OpNode } from "@millet/core/ops";

type NodeOf<Op extends OpNode["op"]> = Extract<OpNode, { op: Op }>;

/** One or several linears of the same input. */
export interface LinearGroup {
  readonly kind: "linears";
  readonly linears: readonly NodeOf<"linear">[];
  /** What the group reads: x of the linears, of their norm, or of the choice of rows before it. */
  readonly x: Value;
  readonly gather?: NodeOf<"gather_rows"> | undefined;
  readonly norm?: NodeOf<"rms_norm"> | undefined;
  readonly finish:
    | { readonly kind: "none" }
    | { readonly kind: "swiglu"; readonly y: Value }
    | { readonly kind: "residual"; readonly residual: Value; readonly y: Value };
}

export type Fused = LinearGroup | { readonly kind: "node"; readonly node: OpNode };

/** The groups of a graph, in an order in which every value is made before it is used. */
export function fuse(graph: Graph): Fused[] {
  return new Fuser(graph).groups();
}

class Fuser {
  readonly #nodes: readonly OpNode[];
  readonly #outputs: ReadonlySet<Value>;
  readonly #users = new Map<Value, OpNode[]>();
  readonly #makers = new Map<Value, OpNode>();
  /** Nodes that are part of a group already emitted. */
  readonly #done = new Set<OpNode>();

  constructor(graph: Graph) {
    this.#nodes = graph.nodes.map(asOpNode);
    this.#outputs = new Set(Object.values(graph.outputs));
    for (const node of this.#nodes) {
      for (const value of new Set<Value>(node.inputs)) {
        this.#users.set(value, [...(this.#users.get(value) ?? []), node]);
      }
      for (const value of node.outputs) this.#makers.set(value, node);
    }
  }

  groups(): Fused[] {
    const groups: Fused[] = [];
    for (const node of this.#nodes) {
      if (this.#done.has(node) || this.#isAbsorbed(node)) continue;
      groups.push(...(node.op === "linear" ? this.#linears(node) : [{ kind: "node" as const, node }]));
      this.#done.add(node);
    }
    return groups;
  }

  /** Whether all that use a norm or a choice of rows compute it themselves. */
  #isAbsorbed(node: OpNode): boolean {
    if (node.op !== "rms_norm" && node.op !== "gather_rows") return false;
    const y = node.outputs[0]!;
    if (this.#outputs.has(y)) return false;
    const users = this.#users.get(y) ?? [];
    return users.every((user) => {
      if (user.inputs[0] !== y || user.inputs.indexOf(y, 1) >= 0) return false;
      return (
        user.op === "linear" ||
        (node.op === "gather_rows" && user.op === "rms_norm" && this.#isAbsorbed(user))
      );
    });
  }

  /** The groups of the linears that share the first one's input. */
  #linears(first: NodeOf<"linear">): LinearGroup[] {
    const shared = (this.#users.get(first.inputs[0]!) ?? []).filter(
      (node): node is NodeOf<"linear"> => node.op === "linear" && node.inputs[0] === first.inputs[0],
    );
    for (const node of shared) this.#done.add(node);
    const groups: LinearGroup[] = [];
    const rest = new Set(shared);
    for (const gate of shared) {
      const group = rest.has(gate) ? this.#gated(gate, rest) : undefined;
      if (group) groups.push(group);
    }
    const [only] = rest;
    if (rest.size === 1) groups.push(this.#residual(only!) ?? this.#group([only!], { kind: "none" }));
    else if (rest.size > 1) groups.push(this.#group([...rest], { kind: "none" }));
    return groups;
  }

  #gated(gate: NodeOf<"linear">, rest: Set<NodeOf<"linear">>): LinearGroup | undefined {
    const user = this.#onlyUser(gate);
    if (user?.op !== "swiglu" || user.inputs[0] !== gate.outputs[0]) return undefined;
    const up = [...rest].find((other) => other !== gate && other.outputs[0] === user.inputs[1]);
    if (!up || this.#onlyUser(up) !== user) return undefined;
    rest.delete(gate);
    rest.delete(up);
    this.#done.add(user);
    return this.#group([gate, up], { kind: "swiglu", y: user.outputs[0]! });
  }

  #residual(linear: NodeOf<"linear">): LinearGroup | undefined {
    const user = this.#onlyUser(linear);
    if (user?.op !== "add") return undefined;
    const residual = user.inputs.find((value) => value !== linear.outputs[0]);
    if (!residual || residual.kind === "weight") return undefined;
    const maker = this.#makers.get(residual);
    if (maker && !this.#done.has(maker)) return undefined; // it comes later
    this.#done.add(user);
    return this.#group([linear], { kind: "residual", residual, y: user.outputs[0]! });
  }

  #group(linears: readonly NodeOf<"linear">[], finish: LinearGroup["finish"]): LinearGroup {
    let x = linears[0]!.inputs[0]!;
    const norm = this.#absorbed(x, "rms_norm");
    if (norm) x = norm.inputs[0]!;
    const gather = this.#absorbed(x, "gather_rows");
    if (gather) x = gather.inputs[0]!;
    return { kind: "linears", linears, x, gather, norm, finish };
  }

  #absorbed<Op extends "rms_norm" | "gather_rows">(value: Value, op: Op): NodeOf<Op> | undefined {
    const maker = this.#makers.get(value);
    return maker && isOp(maker, op) && this.#isAbsorbed(maker) ? maker : undefined;
  }

  /** The one node that uses a node's output, if there is no other use. */
  #onlyUser(node: OpNode): OpNode | undefined {
    const y = node.outputs[0]!;
    const users = this.#users.get(y) ?? [];
    return users.length === 1 && !this.#outputs.has(y) ? users[0] : undefined;
  }
}

function isOp<Op extends OpNode["op"]>(node: OpNode, op: Op): node is NodeOf<Op> {
  return node.op === op;
}
