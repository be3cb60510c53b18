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
import { lowerNorm } from "./norm.js";
import type { Region } from "./region.js";
import { lowerEmbedding, lowerGatherRows, lowerRope } from "./rows.js";

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
    case "layer_norm":
    case "rms_norm":
      return inputs.every((value, i) => isWeight(value) === i > 0);
    case "sample": // the host has the logits at hand
      return false;
    case "add":
    case "attention":
    case "gather_rows":
    case "geglu":
    case "gelu":
    case "mul":
    case "rope":
    case "scale":
    case "silu":
    case "soft_cap":
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
    case "geglu":
    case "gelu":
    case "mul":
    case "scale":
    case "silu":
    case "soft_cap":
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
    case "layer_norm":
    case "rms_norm":
      lowerNorm(context, typed);
      break;
    case "rope":
      lowerRope(context, typed);
      break;
    case "sample":
      throw new MilletError("GRAPH_UNSUPPORTED_OP", "The CPU backend has no kernel for sample.");
    default:
      typed satisfies never;
  }
}
