/**
 * Shape inference: the types of values that a file does not state, from those that it does. Of the operators that rules
 * speak of and of those that Millet emits; what follows from any other stays unknown.
 */
import type { OnnxModel, OnnxValue } from "../../onnx/model.js";
import { numbersOf } from "../constants.js";
import { GraphIndex } from "../graph-index.js";
import { type Infer, InferContext } from "./context.js";
import { broadcasting, cast, dequantize, quantize, quantizedPair, same } from "./elementwise.js";
import {
  concat,
  flatten,
  gather,
  pad,
  reduce,
  reshape,
  slice,
  split,
  squeeze,
  transpose,
  unsqueeze,
} from "./moves.js";
import { gemm, groupQueryAttention, matMul, matMulNBits, quantizedMatMul } from "./products.js";
import type { Type } from "./type.js";

const of = (infer: Infer, ...ops: readonly string[]) => Object.fromEntries(ops.map((op) => [op, infer]));

const INFERENCES: Readonly<Record<string, Infer>> = {
  ...of(same, "Abs", "Exp", "Floor", "Log", "Neg", "Sigmoid", "QLinearSigmoid", "Sin", "Sqrt", "Tanh", "Erf"),
  ...of(same, "Relu", "Elu", "LeakyRelu", "Clip", "Softmax", "Identity", "PRelu"),
  ...of(same, "SimplifiedLayerNormalization"),
  ...of(broadcasting, "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max"),
  ...of(quantizedPair, "QLinearAdd", "QLinearMul"),
  ...of(reduce, "ReduceMean", "ReduceSum"),
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  Cast: cast,
  MatMul: matMul,
  QLinearMatMul: quantizedMatMul,
  Gemm: gemm,
  MatMulNBits: matMulNBits,
  GroupQueryAttention: groupQueryAttention,
  Concat: concat,
  Slice: slice,
  Split: split,
  Gather: gather,
  Reshape: reshape,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Flatten: flatten,
  Pad: pad,
};

/** The model with the types of all values that can be told; those that it states stay. */
export function inferTypes(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const index = new GraphIndex(model);
  const found = new Map<string, Type>();
  const type = (name: string): Type => {
    const stated = index.type(name);
    return stated.shape === undefined ? (found.get(name) ?? stated) : stated;
  };
  const numbers = (name: string) => {
    const constant = index.constant(name);
    return constant && numbersOf(constant);
  };
  for (const node of graph.nodes) {
    const infer = Object.hasOwn(INFERENCES, node.opType) ? INFERENCES[node.opType] : undefined;
    const types = infer?.(new InferContext(node, type, numbers)) ?? [];
    types.forEach((inferred, i) => {
      const name = node.outputs[i];
      if (name) found.set(name, inferred);
    });
  }
  const complete = (value: OnnxValue): OnnxValue =>
    value.shape === undefined ? { ...value, ...found.get(value.name) } : value;
  const stated = new Set([...graph.values, ...graph.inputs, ...graph.outputs].map(({ name }) => name));
  const inferred = [...found]
    .filter(([name, { shape }]) => shape !== undefined && !stated.has(name))
    .map(([name, about]) => ({ name, ...about }));
  const values = [...graph.values.map(complete), ...inferred];
  return { ...model, graph: { ...graph, values, outputs: graph.outputs.map(complete) } };
}
