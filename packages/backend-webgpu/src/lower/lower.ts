/** Lowers a graph to a Program: every group of nodes to its dispatches, in order. What is supported is decided here too. */
import type { Graph, Node, Value } from "@millet/core/graph";
import { asOpNode, type OpNode } from "@millet/core/ops";
import { fitsAttention, lowerAttention } from "../kernels/attention/lower.js";
import { lowerElementwise } from "../kernels/elementwise.js";
import { lowerEmbedding } from "../kernels/embedding/embedding.js";
import { lowerGatherRows } from "../kernels/gather-rows.js";
import { linearFamily, lowerLinear } from "../kernels/linear/lower.js";
import { lowerNorm } from "../kernels/norm.js";
import { lowerRope } from "../kernels/rope.js";
import { fitsSample, lowerSample } from "../kernels/sample/lower.js";
import type { Program } from "../program/dispatch.js";
import { createProgram } from "../program/program.js";
import { hasFormat } from "../quant/index.js";
import type { CallLayout } from "./call-layout.js";
import { LoweringContext, type ModelContext, type MostRows } from "./context.js";
import { fuse, type LinearGroup, type NormGroup } from "./fuse.js";
import type { Matrix } from "./matrix.js";

export interface LoweredGraph {
  readonly program: Program;
  /** Most active rows that it serves. */
  readonly most: MostRows;
  /** Where matrix inputs are written and outputs are read. */
  readonly inputs: ReadonlyMap<Value, Matrix>;
  readonly outputs: ReadonlyMap<string, Matrix>;
}

/** Whether a node can be lowered as it is: matrices are results or inputs, indices are inputs, weights are weights. */
export function supportsNode(node: Node): boolean {
  const typed = asOpNode(node);
  const { inputs } = typed;
  const isWeight = (i: number) => inputs[i]?.kind === "weight";
  switch (typed.op) {
    case "linear":
      return (
        hasFormat(inputs[1]!.spec.dtype) &&
        isWeight(1) &&
        !isWeight(0) &&
        (isWeight(2) || inputs.length === 2)
      );
    case "embedding":
      return hasFormat(inputs[0]!.spec.dtype) && isWeight(0);
    case "rms_norm":
    case "layer_norm":
      return isWeight(1) && !isWeight(0) && (isWeight(2) || inputs.length === 2);
    case "sample":
      return !inputs.some((value) => value.kind === "weight") && fitsSample(typed);
    case "attention":
      return !inputs.some((value) => value.kind === "weight") && fitsAttention(typed.attrs);
    case "add":
    case "gather_rows":
    case "geglu":
    case "gelu":
    case "mul":
    case "rope":
    case "scale":
    case "silu":
    case "soft_cap":
    case "swiglu":
      return !inputs.some((value) => value.kind === "weight");
    default:
      return typed satisfies never;
  }
}

/** @param graph with nodes that `supportsNode` accepts */
export function lowerGraph(
  graph: Graph,
  call: CallLayout,
  most: MostRows,
  model: ModelContext,
): LoweredGraph {
  const context = new LoweringContext(graph, call, most, model);
  for (const group of fuse(graph)) {
    if (group.kind === "linears") lowerLinears(context, group);
    else if (group.kind === "norms") lowerNorms(context, group);
    else lowerNode(context, group.node);
  }
  const outputs = Object.entries(graph.outputs).map(
    ([name, value]) => [name, context.matrix(value)] as const,
  );
  const { program, assigned } = createProgram(graph.name, context.dispatches, context.slots);
  const placed = (matrix: Matrix): Matrix => ({ ...matrix, slot: assigned[matrix.slot]! });
  return {
    program,
    most,
    inputs: new Map(call.matrices.map((value) => [value, placed(context.matrix(value))])),
    outputs: new Map(outputs.map(([name, matrix]) => [name, placed(matrix)])),
  };
}

function lowerLinears(context: LoweringContext, group: LinearGroup): void {
  const { linears, gather, norm, after, finish } = group;
  const parts = linears.map(({ inputs: [, weight, bias] }) => ({
    weight: context.weight(weight!),
    bias: bias && context.weight(bias),
  }));
  const y = finish.y ? context.matrix(finish.y) : context.joined(linears.map(({ outputs }) => outputs[0]!));
  const spec = {
    label: linears.map(({ inputs }) => inputs[1]!.name).join(" "),
    x: context.matrix(group.x),
    gather: gather && context.word(gather.inputs[1]!),
    norm: norm && { weight: context.weight(norm.inputs[1]!), epsilon: norm.attrs.epsilon },
    parts,
    after,
    finish: finish.kind,
    residual: finish.kind === "residual" ? context.matrix(finish.residual) : undefined,
    y,
  };
  const { features, choices } = context.model;
  context.emit(...lowerLinear(spec, context, features[linearFamily(spec)], choices));
}

function lowerNorms(context: LoweringContext, { norms, gather, residual }: NormGroup): void {
  const [first] = norms;
  const y = norms.map(({ outputs }) => outputs[0]!);
  if (residual) context.matrix(residual.y);
  else context.joined(y);
  const parts = norms.map(({ inputs: [x, weight, bias], attrs: { groups = 1 } }, i) => ({
    x: context.matrix(gather ? gather.inputs[0]! : x!),
    weight: context.weight(weight!),
    bias: bias && context.weight(bias),
    groups,
    y: context.matrix(residual ? residual.y : y[i]!),
  }));
  const spec = {
    label: norms.map(({ inputs }) => inputs[1]!.name).join(" "),
    op: first!.op,
    epsilon: first!.attrs.epsilon,
    parts,
    gather: gather && context.word(gather.inputs[1]!),
    residual: residual && context.matrix(residual.value),
  };
  context.emit(lowerNorm(spec, context));
}

function lowerNode(context: LoweringContext, node: OpNode): void {
  if (node.op === "sample") {
    lowerSampleNode(context, node);
    return;
  }
  const y = context.matrix(node.outputs[0]!);
  const label = node.outputs[0]!.name;
  switch (node.op) {
    case "add":
    case "geglu":
    case "gelu":
    case "mul":
    case "scale":
    case "silu":
    case "soft_cap":
    case "swiglu":
      context.emit(
        lowerElementwise(
          node,
          label,
          node.inputs.map((value) => context.matrix(value)),
          y,
          context,
        ),
      );
      break;
    case "attention":
      lowerAttentionNode(context, node, y);
      break;
    case "embedding": {
      const [weight, tokens] = node.inputs;
      const spec = { label: weight!.name, weight: context.weight(weight!), tokens: context.word(tokens!), y };
      context.emit(...lowerEmbedding({ ...spec, scale: node.attrs.scale }, context));
      break;
    }
    case "gather_rows": {
      const [x, indices] = node.inputs;
      context.emit(lowerGatherRows(label, context.matrix(x!), y, context.word(indices!), context));
      break;
    }
    case "linear":
      lowerLinears(context, {
        kind: "linears",
        linears: [node],
        x: node.inputs[0]!,
        after: [],
        finish: { kind: "none" },
      });
      break;
    case "layer_norm":
    case "rms_norm":
      lowerNorms(context, { kind: "norms", norms: [node] });
      break;
    case "rope": {
      const [x, positions] = node.inputs;
      const table = context.call.rotationOf(node.attrs, positions!);
      context.emit(lowerRope(label, context.matrix(x!), y, node.attrs, table, context));
      break;
    }
    default:
      node satisfies never;
  }
}

function lowerSampleNode(
  context: LoweringContext,
  { attrs, inputs, outputs }: Extract<OpNode, { op: "sample" }>,
): void {
  const [logits, history, settings] = inputs;
  const [token, nextHistory, packed] = outputs.map((value) => context.matrix(value));
  const spec = {
    label: logits!.name,
    logits: context.matrix(logits!),
    history: context.word(history!),
    settings: context.word(settings!),
    historyLength: history!.spec.shape[1]!,
    settingsColumns: settings!.spec.shape[1]!,
    candidates: attrs.candidates,
    token: token!,
    nextHistory: nextHistory!,
    packed: packed!,
  };
  context.emit(...lowerSample(spec, context));
}

function lowerAttentionNode(
  context: LoweringContext,
  { attrs, inputs }: Extract<OpNode, { op: "attention" }>,
  y: Matrix,
): void {
  const [q, k, v, positions, sequences, writeRows, blockTable, lengths] = inputs;
  const rotation = attrs.rope && {
    words: context.call.rotationOf(attrs.rope, positions!),
    pairs: attrs.rope.inverseFrequencies.length,
  };
  const spec = {
    label: `layer ${attrs.layer}`,
    q: context.matrix(q!),
    k: context.matrix(k!),
    v: context.matrix(v!),
    y,
    attrs,
    rotation,
    positions: context.word(positions!),
    sequences: context.word(sequences!),
    writeRows: context.word(writeRows!),
    blockTable: context.word(blockTable!),
    blockColumns: blockTable!.spec.shape[1]!,
    lengths: context.word(lengths!),
    kv: context.model.kv,
  };
  const { features, choices } = context.model;
  context.emit(...lowerAttention(spec, context, features.attention, choices));
}
