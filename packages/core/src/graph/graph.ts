/**
 * Immutable descriptions of one step of computation: values, nodes, graphs.
 * A graph says what is computed and in which order; it holds no data and cannot run.
 */
import type { TensorSpec } from "../tensor/tensor.js";

/**
 * What a value's first dimension counts. `tokens` and `logits` are maxima: a call may fill fewer rows, and a
 * backend computes only those. `fixed` dimensions are always full.
 */
export type RowAxis = "tokens" | "logits" | "fixed";

/** A tensor that flows through a graph. `id` is unique within its graph and counts up in order of creation. */
export interface Value {
  readonly id: number;
  readonly name: string;
  readonly kind: "input" | "weight" | "result";
  readonly spec: TensorSpec;
  readonly rowAxis: RowAxis;
}

/** One operation. `attrs` belong to the op's definition in ops/<op>.ts. */
export interface Node<Op extends string = string, Attrs = unknown> {
  readonly id: number;
  readonly op: Op;
  readonly attrs: Attrs;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** Nodes in an order in which every value is made before it is used. */
export interface Graph {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly weights: Readonly<Record<string, Value>>;
  readonly nodes: readonly Node[];
  readonly outputs: Readonly<Record<string, Value>>;
  /** The text of {@link printGraph}. */
  toString(): string;
}
