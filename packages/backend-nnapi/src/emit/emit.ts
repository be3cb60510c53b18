/** Core's graphs as ONNX models: one emitter per op, dynamic rows, weights read while the file is written. */

import { MilletError } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import { asOpNode, type OpNode } from "@millet/core/ops";
import type { WeightSources } from "@millet/core/tensor";
import type { OnnxModel } from "../onnx/model.js";
import { EmitContext, type EmitOptions } from "./context.js";
import type { Feeds } from "./feeds.js";
import { emitAttention } from "./ops/attention.js";
import { emitGelu, emitScale, emitSilu, emitSoftCap } from "./ops/elementwise.js";
import { emitLinear } from "./ops/linear.js";
import { emitLayerNorm, emitRmsNorm } from "./ops/norms.js";
import { emitRope } from "./ops/rope.js";

export interface EmittedGraph {
  readonly model: OnnxModel;
  readonly feeds: Feeds;
  /** Names of the graph's outputs, which are the ONNX outputs' names. */
  readonly outputs: readonly string[];
  /** Tokens of every call, if they are fixed. */
  readonly rows: number | undefined;
  /** Why something was emitted otherwise than the options ask; full sentences. */
  readonly notes: readonly string[];
}

/** Ops that have no emitter: core then does without them. */
export function canEmit({ op }: OpNode): boolean {
  return op !== "sample";
}

/** @throws MilletError GRAPH_UNSUPPORTED_OP, MODEL_TENSOR_MISSING */
export function emitGraph(graph: Graph, weights: WeightSources, options: EmitOptions): EmittedGraph {
  const context = new EmitContext(graph, weights, options);
  for (const node of graph.nodes) context.setOutputs(node, [emitNode(context, asOpNode(node))]);
  for (const [name, value] of Object.entries(graph.outputs))
    context.builder.output(name, context.name(value), context.shape(value));
  return {
    model: context.builder.finish(),
    feeds: context.feeds,
    outputs: Object.keys(graph.outputs),
    rows: options.rows,
    notes: context.notes,
  };
}

function emitNode(context: EmitContext, node: OpNode): string {
  const { builder } = context;
  const name = (index: number) => context.name(node.inputs[index]!);
  switch (node.op) {
    case "add":
      return builder.node("Add", [name(0), name(1)]);
    case "mul":
      return builder.node("Mul", [name(0), name(1)]);
    case "silu":
      return emitSilu(context, name(0));
    case "swiglu":
      return builder.node("Mul", [emitSilu(context, name(0)), name(1)]);
    case "gelu":
      return emitGelu(context, name(0), node.attrs.approximation);
    case "geglu":
      return builder.node("Mul", [emitGelu(context, name(0), node.attrs.approximation), name(1)]);
    case "soft_cap":
      return emitSoftCap(context, name(0), node.attrs.cap);
    case "scale":
      return emitScale(context, name(0), node.attrs.factor);
    case "embedding":
      return context.embedding(
        node.inputs[0]!,
        node.inputs[1]!,
        node.attrs.scale,
        node.outputs[0]!.spec.shape[1]!,
      );
    case "gather_rows":
      return builder.node("Gather", [name(0), name(1)], { attributes: { axis: 0 } });
    case "linear":
      return emitLinear(context, node.inputs, node.outputs[0]!);
    case "rms_norm":
      return emitRmsNorm(context, node.inputs, node.attrs, context.divisors(node.outputs[0]!));
    case "layer_norm":
      return emitLayerNorm(context, node.inputs, node.attrs);
    case "rope":
      return emitRope(context, name(0), node.inputs[1]!, node.attrs);
    case "attention":
      return emitAttention(context, node.inputs, node.attrs);
    case "sample":
      throw new MilletError("GRAPH_UNSUPPORTED_OP", "Op sample has no ONNX form.");
    default:
      return node satisfies never;
  }
}
