/** Ops that a backend may lack although they have no decomposition: core does without them where it must. */
import type { Backend } from "@millet/core/backend";
import type { Graph } from "@millet/core/graph";
import type { OpName } from "@millet/core/ops";

/** `sample`: without it the host reads the logits and chooses. */
export const OPTIONAL_OPS = ["sample"] as const satisfies readonly OpName[];

export type OptionalOp = (typeof OPTIONAL_OPS)[number];

/** The optional op for want of which a backend cannot run a graph; undefined if there is none. */
export function lackedOptionalOp(backend: Backend, graph: Graph): OptionalOp | undefined {
  return OPTIONAL_OPS.find((op) => graph.nodes.some((node) => node.op === op && !backend.supports(node)));
}
