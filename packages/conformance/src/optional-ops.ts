/** Ops that a backend may lack although they have no decomposition. */
import type { Backend } from "@millet/core/backend";
import type { Graph, Node } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";

/**
 * `sample`: without it the host reads the logits and chooses. The others: models that need them are for another backend.
 * "rms_norm groups" stands for rms_norm of several groups of columns.
 */
export const OPTIONAL_OPS = ["gelu", "layer_norm", "rms_norm groups", "sample", "scale", "soft_cap"] as const;

export type OptionalOp = (typeof OPTIONAL_OPS)[number];

/** The optional op for want of which a backend cannot run a graph; undefined if there is none. */
export function lackedOptionalOp(backend: Backend, graph: Graph): OptionalOp | undefined {
  const lacked = graph.nodes.filter((node) => !backend.supports(node)).map(neededOp);
  return OPTIONAL_OPS.find((op) => lacked.includes(op));
}

/** What a node, or the decomposition of one that is not supported, needs. */
function neededOp(node: Node): OptionalOp | undefined {
  const typed = asOpNode(node);
  switch (typed.op) {
    case "gelu":
    case "layer_norm":
    case "sample":
    case "scale":
    case "soft_cap":
      return typed.op;
    case "geglu":
      return "gelu";
    case "rms_norm":
      return (typed.attrs.groups ?? 1) > 1 ? "rms_norm groups" : undefined;
    default:
      return undefined;
  }
}
