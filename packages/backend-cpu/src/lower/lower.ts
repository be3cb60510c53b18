/** Lowers a graph to a Program: every node to its steps, in order. What is supported is decided here too. */
import type { KvPlan } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Graph, Node, Value } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";
import type { DType } from "@millet/core/tensor";
import { encodeProgram, type Program } from "../program/program.js";
import { lowerAttention } from "./attention.js";
import type { CallBlock } from "./call-block.js";
import { LoweringContext } from "./context.js";
import { lowerElementwise } from "./elementwise.js";
import { lowerLinear } from "./linear.js";
import type { Matrix } from "./matrix.js";
import type { Region } from "./region.js";
import { lowerEmbedding, lowerGatherRows, lowerRmsNorm, lowerRope } from "./rows.js";

export interface LoweredGraph {
  /** The graph as it was lowered, composite ops replaced. */
  readonly graph: Graph;
  readonly program: Program;
  readonly call: CallBlock;
  readonly outputs: ReadonlyMap<string, Matrix>;
}

/**
 * Whether a node can be lowered as it is: matrices are results or inputs, indices are inputs.
 * @param weightTypes types of matrices that the engine multiplies
 */
export function supportsNode(node: Node, weightTypes: ReadonlySet<DType>): boolean {
  const typed = asOpNode(node);
  const { inputs } = typed;
  switch (typed.op) {
    case "linear":
      return weightTypes.has(inputs[1]!.spec.dtype) && isWeight(inputs[1]) && !isWeight(inputs[0]);
    case "embedding":
      return weightTypes.has(inputs[0]!.spec.dtype) && isWeight(inputs[0]);
    case "rms_norm":
      return isWeight(inputs[1]) && !isWeight(inputs[0]) && (typed.attrs.groups ?? 1) === 1;
    case "geglu":
    case "gelu":
    case "layer_norm":
    case "scale":
    case "soft_cap":
    case "sample": // the host has the logits at hand
      return false;
    case "add":
    case "attention":
    case "gather_rows":
    case "mul":
    case "rope":
    case "silu":
    case "swiglu":
      return !inputs.some(isWeight);
    default:
      return typed satisfies never;
  }
}

function isWeight(value: Value | undefined): boolean {
  return value?.kind === "weight";
}

/**
 * @param graph with nodes that `supportsNode` accepts
 * @param weights byte address of each weight
 * @param region where the program's inputs, values and work space are placed
 */
export function lowerGraph(
  graph: Graph,
  weights: ReadonlyMap<string, number>,
  region: Region,
  threads: number,
  kv: KvPlan,
): LoweredGraph {
  const context = new LoweringContext(graph, weights, region, threads, kv);
  for (const node of graph.nodes) lowerNode(context, node);
  const outputs = Object.entries(graph.outputs).map(
    ([name, value]) => [name, context.matrix(value)] as const,
  );
  return {
    graph,
    program: encodeProgram(graph.name, context.steps),
    call: context.call,
    outputs: new Map(outputs),
  };
}

function lowerNode(context: LoweringContext, node: Node): void {
  const typed = asOpNode(node);
  switch (typed.op) {
    case "add":
    case "mul":
    case "silu":
    case "swiglu":
      lowerElementwise(context, typed);
      break;
    case "attention":
      lowerAttention(context, typed);
      break;
    case "embedding":
      lowerEmbedding(context, typed);
      break;
    case "gather_rows":
      lowerGatherRows(context, typed);
      break;
    case "linear":
      lowerLinear(context, typed);
      break;
    case "rms_norm":
      lowerRmsNorm(context, typed);
      break;
    case "rope":
      lowerRope(context, typed);
      break;
    case "geglu":
    case "gelu":
    case "layer_norm":
    case "sample":
    case "scale":
    case "soft_cap":
      throw new MilletError("GRAPH_UNSUPPORTED_OP", `The CPU backend has no kernel for ${typed.op}.`);
    default:
      typed satisfies never;
  }
}
