/** The one list of ops. Attribute types and the union of nodes derive from it. */
import { MilletError } from "../errors.js";
import type { Node } from "../graph/graph.js";
import type { OpDef } from "../graph/op.js";
import { add } from "./add.js";
import { attention } from "./attention.js";
import { embedding } from "./embedding.js";
import { gatherRows } from "./gather-rows.js";
import { geglu } from "./geglu.js";
import { gelu } from "./gelu.js";
import { layerNorm } from "./layer-norm.js";
import { linear } from "./linear.js";
import { mul } from "./mul.js";
import { rmsNorm } from "./rms-norm.js";
import { fillRotationTable, rope, sameRotation } from "./rope.js";
import { sample } from "./sample.js";
import { scale } from "./scale.js";
import { silu } from "./silu.js";
import { softCap } from "./soft-cap.js";
import { swiglu } from "./swiglu.js";

export const OPS = {
  add,
  attention,
  embedding,
  gather_rows: gatherRows,
  geglu,
  gelu,
  layer_norm: layerNorm,
  linear,
  mul,
  rms_norm: rmsNorm,
  rope,
  sample,
  scale,
  silu,
  soft_cap: softCap,
  swiglu,
} as const;

export type OpName = keyof typeof OPS;

export type AttrsOf<Op extends OpName> = (typeof OPS)[Op] extends OpDef<Op, infer Attrs> ? Attrs : never;

/** A node of a known op: a union that narrows by `op`. */
export type OpNode = { [Op in OpName]: Node<Op, AttrsOf<Op>> }[OpName];

/**
 * A node as a member of the union of known ops.
 * @throws MilletError GRAPH_UNSUPPORTED_OP if the op is not in the list
 */
export function asOpNode(node: Node): OpNode {
  if (isOpNode(node)) return node;
  throw new MilletError(
    "GRAPH_UNSUPPORTED_OP",
    `Op "${node.op}" is not one of ${Object.keys(OPS).join(", ")}.`,
  );
}

function isOpNode(node: Node): node is OpNode {
  return Object.hasOwn(OPS, node.op);
}

/**
 * The definition of an op, for callers that treat all ops alike. Attributes were checked against the op when the
 * node was built, so a node's own definition may take them.
 */
export function opOf(node: Node): OpDef<string, unknown> {
  return OPS[asOpNode(node).op] as OpDef<string, unknown>;
}

export { candidateDistribution } from "../sampling/candidate-distribution.js";
export {
  CANDIDATES_HEADER,
  type Candidates,
  candidatesLength,
  unpackCandidates,
} from "../sampling/candidates.js";
export { knowsAllChoices } from "../sampling/choose.js";
export { readSettings, type SamplerSettings, SETTINGS_COLUMNS, settingsRow } from "../sampling/settings.js";
export type { AttentionAttrs } from "./attention.js";
export type { EmbeddingAttrs } from "./embedding.js";
export type { GeluAttrs } from "./gelu.js";
export type { LayerNormAttrs } from "./layer-norm.js";
export type { LinearAttrs } from "./linear.js";
export type { RmsNormAttrs } from "./rms-norm.js";
export type { RopeAttrs, RopeOpAttrs } from "./rope.js";
export type { SampleAttrs } from "./sample.js";
export type { ScaleAttrs } from "./scale.js";
export type { SoftCapAttrs } from "./soft-cap.js";
export {
  add,
  attention,
  embedding,
  fillRotationTable,
  gatherRows,
  geglu,
  gelu,
  layerNorm,
  linear,
  mul,
  rmsNorm,
  rope,
  sameRotation,
  sample,
  scale,
  silu,
  softCap,
  swiglu,
};
