/** A graph as rules look at it: what type each name has, which names are constants, who makes and who takes a value. */
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "../onnx/model.js";

export class GraphIndex {
  readonly graph: OnnxGraph;
  readonly opsets: OnnxModel["opsets"];
  readonly #inputs: ReadonlySet<string>;
  readonly #values = new Map<string, Pick<OnnxValue, "dtype" | "shape">>();
  readonly #constants = new Map<string, OnnxTensor>();
  readonly #producers = new Map<string, OnnxNode>();

  constructor({ graph, opsets }: OnnxModel) {
    this.graph = graph;
    this.opsets = opsets;
    this.#inputs = new Set(graph.inputs.map(({ name }) => name));
    for (const value of [...graph.inputs, ...graph.outputs, ...graph.values])
      this.#values.set(value.name, value);
    for (const tensor of graph.initializers) this.#addConstant(tensor.name, tensor);
    for (const node of graph.nodes) {
      for (const output of node.outputs) this.#producers.set(output, node);
      const constant = node.opType === "Constant" ? node.attributes.value : undefined;
      if (constant?.type === "tensor") this.#addConstant(node.outputs[0] ?? "", constant.value);
    }
  }

  #addConstant(name: string, tensor: OnnxTensor): void {
    this.#constants.set(name, tensor);
    this.#values.set(name, { dtype: tensor.dtype, shape: tensor.dims });
  }

  /** What the file says of a value; unknown where it says nothing. */
  type(name: string): Pick<OnnxValue, "dtype" | "shape"> {
    return this.#values.get(name) ?? { dtype: undefined, shape: undefined };
  }

  /** The constant of this name, or undefined if it is computed or an input. */
  constant(name: string): OnnxTensor | undefined {
    return this.#constants.get(name);
  }

  /** Whether there is such a value: an input, a constant, or a node's output. */
  defines(name: string): boolean {
    return this.#inputs.has(name) || this.#constants.has(name) || this.#producers.has(name);
  }

  producer(name: string): OnnxNode | undefined {
    return this.#producers.get(name);
  }
}

/** Operand `index` of a node, or undefined where it is left out. */
export function operand(node: OnnxNode, index: number): string | undefined {
  return node.inputs[index] || undefined;
}

export function intAttribute(node: OnnxNode, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.type === "int" ? attribute.value : fallback;
}

export function floatAttribute(node: OnnxNode, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.type === "float" ? attribute.value : fallback;
}
