/**
 * What an op must say of itself: how shapes follow, what it computes, how it splits into simpler ops.
 * The list of ops is ops/index.ts; this file knows none of them.
 */
import type { HostTensor, TensorSpec } from "../tensor/tensor.js";
import type { Value } from "./graph.js";
import type { HostState } from "./host-state.js";

/** Where a decomposition puts its nodes: a GraphBuilder. */
export interface NodeEmitter {
  /** Appends a node and returns its outputs. */
  emit<Op extends string, Attrs>(
    def: OpDef<Op, Attrs>,
    inputs: readonly Value[],
    attrs: Attrs,
  ): readonly Value[];
  /** The same for an op with exactly one output. */
  emitOne<Op extends string, Attrs>(def: OpDef<Op, Attrs>, inputs: readonly Value[], attrs: Attrs): Value;
}

export interface OpDef<Op extends string, Attrs> {
  readonly op: Op;
  /** Index of the input whose row axis the outputs inherit; 0 unless given. */
  readonly rowsFrom?: number;
  /** If a row of the output depends on the same row alone of the first inputs: how many inputs these are. */
  readonly rowInputs?: number;
  /**
   * Shapes and dtypes of the outputs.
   * @throws MilletError GRAPH_INVALID if the inputs do not fit the op
   */
  infer(inputs: readonly TensorSpec[], attrs: Attrs): readonly TensorSpec[];
  /**
   * The op's meaning: plain loops, arithmetic in float64, results rounded to the outputs' dtype.
   * Shapes come from the tensors given, which may have fewer rows than the graph allows.
   */
  reference(inputs: readonly HostTensor[], attrs: Attrs, state: HostState | undefined): readonly HostTensor[];
  /** The same result from simpler ops, for backends that lack this one; undefined if it is simple already. */
  decompose?(graph: NodeEmitter, inputs: readonly Value[], attrs: Attrs): readonly Value[] | undefined;
}
