/**
 * The words that change with every call of a program, side by side in one buffer so that one write brings them: counts of
 * active rows, indices and settings, tables of rotations.
 */
import type { Graph, Value } from "@millet/core/graph";
import { asOpNode, type RopeAttrs, sameRotation } from "@millet/core/ops";
import { elementCount } from "@millet/core/tensor";

export interface RotationTable {
  /** First word; per row cos[pairs], after sin[pairs]. f32[T, 2, pairs] */
  readonly word: number;
  readonly rope: RopeAttrs;
  /** The input that holds the rows' positions. */
  readonly positions: Value;
}

/** Words before the inputs: active rows of tokens, of logits. */
export const COUNT_WORDS = { tokens: 0, logits: 1 } as const;

export class CallLayout {
  /** First word of each input that is not a matrix. */
  readonly inputs = new Map<Value, number>();
  /** Inputs that come as rows of f32 in slots instead. */
  readonly matrices: readonly Value[];
  readonly rotations: RotationTable[] = [];
  #words = 4;

  constructor(graph: Graph) {
    const nodes = graph.nodes.map(asOpNode);
    const settings = new Set(nodes.flatMap(({ op, inputs }) => (op === "sample" ? [inputs[2]!] : [])));
    const inputs = Object.values(graph.inputs);
    this.matrices = inputs.filter((value) => value.spec.dtype === "f32" && !settings.has(value));
    for (const value of inputs) {
      if (!this.matrices.includes(value)) this.inputs.set(value, this.#take(elementCount(value.spec.shape)));
    }
    for (const node of nodes) {
      if (node.op === "rope") this.#addRotation(node.attrs, node.inputs[1]!);
      if (node.op === "attention" && node.attrs.rope) this.#addRotation(node.attrs.rope, node.inputs[3]!);
    }
  }

  get words(): number {
    return this.#words;
  }

  /** First word of the table for a rotation of rows at `positions`. */
  rotationOf(rope: RopeAttrs, positions: Value): number {
    return this.#find(rope, positions)!.word;
  }

  #addRotation(rope: RopeAttrs, positions: Value): void {
    if (this.#find(rope, positions)) return;
    const count = 2 * rope.inverseFrequencies.length * positions.spec.shape[0]!;
    this.rotations.push({ word: this.#take(count), rope, positions });
  }

  #find(rope: RopeAttrs, positions: Value): RotationTable | undefined {
    return this.rotations.find((table) => table.positions === positions && sameRotation(table.rope, rope));
  }

  /** Room for `count` words, aligned so that kernels may read four at once. */
  #take(count: number): number {
    const word = this.#words;
    this.#words += Math.ceil(count / 4) * 4;
    return word;
  }
}
