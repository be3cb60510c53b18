/** The weight types that cases run with, and what a backend lacks of them. */
import type { Backend } from "@millet/core/backend";
import type { Graph, Node } from "@millet/core/graph";
import { opOf } from "@millet/core/ops";
import { isQuantDType, QUANT_FORMATS } from "@millet/core/quant";
import { DTYPES, type DType } from "@millet/core/tensor";

/** Every type that a matrix of weights may have. */
export const WEIGHT_TYPES: readonly DType[] = ["f32", ...Object.keys(QUANT_FORMATS).filter(isQuantDType)];

/** Whether rows of `columns` elements divide into the type's blocks. */
export function fitsRows(dtype: DType, columns: number): boolean {
  return columns % DTYPES[dtype].blockElements === 0;
}

/**
 * The weight type for want of which a backend cannot run a graph: it would take the same node with f32 weights, and
 * there is no decomposition. Undefined if there is no such node; one that f32 weights do not help is no matter of types.
 */
export function lackedWeightType(backend: Backend, graph: Graph): DType | undefined {
  const lacks = (node: Node) =>
    !backend.supports(node) && opOf(node).decompose === undefined && backend.supports(withPlainWeights(node));
  const weights = graph.nodes.find(lacks)?.inputs.filter(({ kind }) => kind === "weight");
  return weights?.find(({ spec }) => spec.dtype !== "f32")?.spec.dtype;
}

function withPlainWeights(node: Node): Node {
  const inputs = node.inputs.map((value) =>
    value.kind === "weight" ? { ...value, spec: { ...value.spec, dtype: "f32" as const } } : value,
  );
  return { ...node, inputs };
}
