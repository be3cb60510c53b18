/**
 * The bytes that change with every call of an executable, side by side so that one write brings them: row counts, the
 * state's block table, the inputs, and tables of rotations.
 */
import { MilletError } from "@millet/core/errors";
import type { Graph, Node, RowAxis, Value } from "@millet/core/graph";
import { asOpNode, type RopeAttrs, sameRotation } from "@millet/core/ops";
import { byteLength } from "@millet/core/tensor";
import { isMatrix, matrixBytes } from "./matrix.js";
import type { Region } from "./region.js";

/** A word that holds the active rows of an axis. */
export interface CountWord {
  readonly address: number;
  readonly axis: RowAxis;
  /** Rows where the axis is fixed, else the most there may be. */
  readonly rows: number;
  /** What the rows are multiplied with: 2 where each is computed as two. */
  readonly times: 1 | 2;
}

/** A table of cosines and sines, per row: cos[pairs], then sin[pairs]. f32[T, 2, pairs] */
export interface RotationTable {
  readonly address: number;
  readonly rope: RopeAttrs;
  /** The input that holds the rows' positions. */
  readonly positions: Value;
}

export class CallBlock {
  readonly address: number;
  readonly byteLength: number;
  /** Address of the word with the address, in units, of the state's table of blocks. */
  readonly blocks: number;
  readonly inputs = new Map<Value, number>();
  readonly rotations: RotationTable[] = [];
  readonly counts = new Map<string, CountWord>();

  constructor(graph: Graph, region: Region) {
    this.address = region.end;
    this.blocks = region.allocate(4);
    for (const value of Object.values(graph.inputs)) {
      this.inputs.set(value, region.allocate(isMatrix(value) ? matrixBytes(value) : byteLength(value.spec)));
    }
    for (const value of [...this.inputs.keys(), ...graph.nodes.flatMap((node) => node.outputs)]) {
      const key = countKey(value);
      if (this.counts.has(key)) continue;
      const rows = value.spec.shape[0] ?? 1;
      for (const times of [1, 2] as const) {
        const word = { address: region.allocate(4), axis: value.rowAxis, rows, times };
        this.counts.set(times === 1 ? key : twice(key), word);
      }
    }
    for (const node of graph.nodes) this.#addRotation(node, region);
    this.byteLength = region.end - this.address;
  }

  /** Address of the number of active rows of a value. */
  countOf(value: Value): number {
    return this.counts.get(countKey(value))!.address;
  }

  /** The same, of a value each of whose rows is computed as two. */
  twiceCountOf(value: Value): number {
    return this.counts.get(twice(countKey(value)))!.address;
  }

  /** Address of an input. @throws MilletError GRAPH_UNSUPPORTED_OP for a value that is computed */
  inputOf(value: Value): number {
    const address = this.inputs.get(value);
    if (address === undefined) {
      throw new MilletError(
        "GRAPH_UNSUPPORTED_OP",
        `The CPU backend takes indices from inputs, not ${value.name}.`,
      );
    }
    return address;
  }

  /** Address of the table for a rotation of rows at `positions`. */
  rotationOf(rope: RopeAttrs, positions: Value): number {
    return this.#findRotation(rope, positions)!.address;
  }

  #findRotation(rope: RopeAttrs, positions: Value): RotationTable | undefined {
    return this.rotations.find((table) => table.positions === positions && sameRotation(table.rope, rope));
  }

  #addRotation(node: Node, region: Region): void {
    const typed = asOpNode(node);
    const rope = typed.op === "attention" ? typed.attrs.rope : typed.op === "rope" ? typed.attrs : undefined;
    const positions = typed.inputs[typed.op === "attention" ? 3 : 1];
    if (!rope || !positions || this.#findRotation(rope, positions)) return;
    const bytes = 8 * rope.inverseFrequencies.length * positions.spec.shape[0]!;
    this.rotations.push({ address: region.allocate(bytes), rope, positions });
  }
}

const twice = (key: string): string => `twice ${key}`;

function countKey({ rowAxis, spec }: Value): string {
  return rowAxis === "fixed" ? `fixed ${spec.shape[0] ?? 1}` : rowAxis;
}
