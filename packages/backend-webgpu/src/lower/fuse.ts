/**
 * Groups the nodes of a graph that one kernel can serve: linears that share their input, with the norm and the choice of
 * rows before them and the functions, the gate or the residual after; norms of the same rows, with a residual after one.
 * Nothing is computed differently, only together.
 */
import type { Graph, Value } from "@millet/core/graph";
import { asOpNode, type OpNode } from "@millet/core/ops";
import { type Unary, unaryOf } from "../kernels/unary.js";

type NodeOf<Op extends OpNode["op"]> = Extract<OpNode, { op: Op }>;
export type NormNode = NodeOf<"rms_norm" | "layer_norm">;

/** One or several linears of the same input. */
export interface LinearGroup {
  readonly kind: "linears";
  readonly linears: readonly NodeOf<"linear">[];
  /** What the group reads: x of the linears, of their norm, or of the choice of rows before it. */
  readonly x: Value;
  readonly gather?: NodeOf<"gather_rows"> | undefined;
  readonly norm?: NodeOf<"rms_norm"> | undefined;
  /** Done to the first product, in this order, before what follows. */
  readonly after: readonly Unary[];
  /** "none": `y` is what comes of the only linear; without it each linear has its own value. */
  readonly finish:
    | { readonly kind: "none"; readonly y?: Value }
    | { readonly kind: "gated"; readonly y: Value }
    | { readonly kind: "residual"; readonly residual: Value; readonly y: Value };
}

/** One or several norms of rows that belong together; one of them may have a choice of rows before, or a residual after. */
export interface NormGroup {
  readonly kind: "norms";
  readonly norms: readonly NormNode[];
  readonly gather?: NodeOf<"gather_rows"> | undefined;
  readonly residual?: { readonly value: Value; readonly y: Value } | undefined;
}

export type Fused = LinearGroup | NormGroup | { readonly kind: "node"; readonly node: OpNode };

/** The groups of a graph, in an order in which every value is made before it is used. */
export function fuse(graph: Graph): Fused[] {
  return new Fuser(graph).groups();
}

/** Norms that one dispatch serves. */
const MOST_NORMS = 2;

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
      if (node.op === "linear") groups.push(...this.#linears(node));
      else if (isNorm(node)) groups.push(this.#norms(node));
      else groups.push({ kind: "node", node });
      this.#done.add(node);
    }
    return groups;
  }

  /** Whether all that use a norm or a choice of rows compute it themselves. */
  #isAbsorbed(node: OpNode): boolean {
    const isGather = node.op === "gather_rows";
    if (!isGather && !(node.op === "rms_norm" && (node.attrs.groups ?? 1) === 1)) return false;
    const y = node.outputs[0]!;
    if (this.#outputs.has(y)) return false;
    const users = this.#users.get(y) ?? [];
    return users.every((user) => {
      if (user.inputs[0] !== y || user.inputs.indexOf(y, 1) >= 0) return false;
      return user.op === "linear" || (isGather && isNorm(user));
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
    const plain: NodeOf<"linear">[] = [];
    for (const linear of rest) {
      const group = this.#finished(linear, rest.size === 1);
      if (group) groups.push(group);
      else plain.push(linear);
    }
    if (plain.length > 0) groups.push(this.#group(plain, [], { kind: "none" }));
    return groups;
  }

  #gated(gate: NodeOf<"linear">, rest: Set<NodeOf<"linear">>): LinearGroup | undefined {
    const user = this.#onlyUser(gate);
    if ((user?.op !== "swiglu" && user?.op !== "geglu") || user.inputs[0] !== gate.outputs[0])
      return undefined;
    const up = [...rest].find((other) => other !== gate && other.outputs[0] === user.inputs[1]);
    if (!up || this.#onlyUser(up) !== user) return undefined;
    rest.delete(gate);
    rest.delete(up);
    this.#done.add(user);
    return this.#group([gate, up], [unaryOf(user)!], { kind: "gated", y: user.outputs[0]! });
  }

  /**
   * A linear with the functions and the residual after it; undefined if there is neither.
   * @param mayAdd whether a residual is worth a group of its own
   */
  #finished(linear: NodeOf<"linear">, mayAdd: boolean): LinearGroup | undefined {
    const after: Unary[] = [];
    let last: OpNode = linear;
    for (let user = this.#onlyUser(last); user && isUnary(user); user = this.#onlyUser(last)) {
      after.push(unaryOf(user)!);
      this.#done.add(user);
      last = user;
    }
    const residual = mayAdd || after.length > 0 ? this.#residual(last) : undefined;
    if (residual)
      return this.#group([linear], after, { kind: "residual", ...residual, residual: residual.value });
    if (after.length === 0) return undefined;
    return this.#group([linear], after, { kind: "none", y: last.outputs[0]! });
  }

  /** What a node's output is added to, if that is its only use and the other value is there by then; and the sum. */
  #residual(node: OpNode): { readonly value: Value; readonly y: Value } | undefined {
    const user = this.#onlyUser(node);
    if (user?.op !== "add") return undefined;
    const value = user.inputs.find((other) => other !== node.outputs[0]);
    if (!value || value.kind === "weight" || !this.#isReady(value)) return undefined;
    this.#done.add(user);
    return { value, y: user.outputs[0]! };
  }

  #isReady(value: Value): boolean {
    const maker = this.#makers.get(value);
    return !maker || this.#done.has(maker);
  }

  #group(
    linears: readonly NodeOf<"linear">[],
    after: readonly Unary[],
    finish: LinearGroup["finish"],
  ): LinearGroup {
    let x = linears[0]!.inputs[0]!;
    const norm = this.#absorbed(x, "rms_norm");
    if (norm) x = norm.inputs[0]!;
    const gather = this.#absorbed(x, "gather_rows");
    if (gather) x = gather.inputs[0]!;
    return { kind: "linears", linears, x, gather, norm, after, finish };
  }

  #norms(first: NormNode): NormGroup {
    const gather = this.#absorbed(first.inputs[0]!, "gather_rows");
    this.#done.add(first);
    const residual = this.#residual(first);
    if (gather || residual) return { kind: "norms", norms: [first], gather, residual };
    const norms = [first];
    for (const node of this.#nodes) {
      if (norms.length === MOST_NORMS) break;
      if (!this.#done.has(node) && isNorm(node) && this.#canJoin(node, first)) norms.push(node);
    }
    for (const node of norms) this.#done.add(node);
    return { kind: "norms", norms };
  }

  /** Whether a norm can share another's dispatch. */
  #canJoin(node: NormNode, first: NormNode): boolean {
    const x = node.inputs[0]!;
    return (
      node.op === first.op &&
      node.attrs.epsilon === first.attrs.epsilon &&
      x.rowAxis === first.inputs[0]!.rowAxis &&
      x.spec.shape[0] === first.inputs[0]!.spec.shape[0] &&
      this.#isReady(x) &&
      !this.#isAbsorbed(node) &&
      this.#onlyUser(node)?.op !== "add"
    );
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

function isNorm(node: OpNode): node is NormNode {
  return node.op === "rms_norm" || node.op === "layer_norm";
}

function isUnary({ op }: OpNode): boolean {
  return op === "silu" || op === "gelu" || op === "scale" || op === "soft_cap";
}
