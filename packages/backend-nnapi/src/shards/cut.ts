/**
 * Cuts an ONNX model into models that compute one after the other what it computes: each has a run of its nodes, the
 * constants that these use, and as inputs what it takes of the model's inputs and of the parts before it.
 */
import { MilletError } from "@millet/core/errors";
import { inferTypes } from "../check/infer/index.js";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "../onnx/model.js";

/** @param cuts where parts after the first begin: indices of nodes, going up */
export function cutModel(model: OnnxModel, cuts: readonly number[]): readonly OnnxModel[] {
  const { graph } = model;
  if (cuts.length === 0) return [model];
  const bounds = [0, ...cuts, graph.nodes.length];
  const parts = bounds.slice(1).map((end, i) => graph.nodes.slice(bounds[i], end));
  const typed = inferTypes(model).graph;
  return parts.map((nodes, i) => ({
    ...model,
    graph: partOf(graph, typed, nodes, parts.slice(i + 1).flat()),
  }));
}

/** @param later nodes of the parts that follow */
function partOf(
  graph: OnnxGraph,
  typed: OnnxGraph,
  nodes: readonly OnnxNode[],
  later: readonly OnnxNode[],
): OnnxGraph {
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const usedLater = new Set(later.flatMap(({ inputs }) => inputs));
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const isInput = (name: string) => name !== "" && !made.has(name) && !constants.has(name);
  const own = graph.inputs.filter(({ name }) => used.has(name));
  const given = new Set(graph.inputs.map(({ name }) => name));
  const taken = [...used].filter((name) => isInput(name) && !given.has(name));
  const outputs = graph.outputs.filter(({ name }) => made.has(name));
  const known = new Set(outputs.map(({ name }) => name));
  const passed = [...made].filter((name) => usedLater.has(name) && !known.has(name));
  return {
    name: graph.name,
    nodes,
    initializers: graph.initializers.filter(({ name }) => used.has(name)),
    inputs: [...own, ...taken.map((name) => typeOf(typed, name))],
    outputs: [...outputs, ...passed.map((name) => typeOf(typed, name))],
    values: graph.values.filter(({ name }) => made.has(name)),
  };
}

function typeOf({ name: graph, values, outputs }: OnnxGraph, name: string): OnnxValue {
  const value = [...values, ...outputs].find((one) => one.name === name);
  if (value?.dtype !== undefined && value.shape !== undefined) return value;
  throw new MilletError(
    "GRAPH_INVALID",
    `ONNX graph "${graph}" cannot be cut where "${name}" passes: its type does not follow from what the graph says.`,
  );
}

/** Outputs that a part has for some models and not for others become outputs for all of them. */
export function withOutputs(part: OnnxModel, others: readonly OnnxModel[]): OnnxModel {
  const { graph } = part;
  const known = new Set(graph.outputs.map(({ name }) => name));
  const more = new Map(
    others.flatMap(({ graph: { outputs } }) => outputs.map((output) => [output.name, output])),
  );
  const added = [...more.values()].filter(({ name }) => !known.has(name));
  const outputs = [...graph.outputs, ...added].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { ...part, graph: { ...graph, outputs } };
}
