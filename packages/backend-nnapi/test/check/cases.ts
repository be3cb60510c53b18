/** One graph that passes and one that fails, per rule of the NNAPI provider. The failing one breaks this rule alone. */
import type { OnnxModel, OnnxTensor } from "../../src/onnx/model.js";
import { bytes, floats, int, int64s, model, node, type Shape, value } from "../support/graphs.js";

export interface RuleCase {
  readonly rule: string;
  readonly pass: OnnxModel;
  readonly fail: OnnxModel;
  /** Default 29. */
  readonly apiLevel?: number;
}

const X: Shape = [2, 4];
const inputs = [value("x", X)];
const outputs = [value("y", X)];

/** y = op(x), with more operands and types as needed. */
function unary(
  opType: string,
  parts: Partial<OnnxModel["graph"]> = {},
  more: readonly string[] = [],
): OnnxModel {
  return model({ inputs, outputs, nodes: [node(opType, ["x", ...more], ["y"])], ...parts });
}

const scale = (name: string, values: readonly number[] = [0.5]): OnnxTensor =>
  floats(name, values.length === 1 ? [] : [values.length], values);
const zero = (name: string, dtype: "uint8" | "int8" = "uint8"): OnnxTensor => bytes(name, [], [0], dtype);

/** y = x · w in 8 bits. */
function quantizedProduct(change: {
  readonly weights?: OnnxTensor;
  readonly weightScale?: OnnxTensor;
  readonly inputs?: readonly ReturnType<typeof value>[];
  readonly constants?: readonly OnnxTensor[];
}): OnnxModel {
  const weights = change.weights ?? bytes("w", [4, 4], Array(16).fill(1));
  const constants = change.constants ?? [scale("sx"), zero("zx"), scale("sy"), zero("zy")];
  return model({
    inputs: [value("x", X, "uint8"), ...(change.inputs ?? [])],
    outputs: [value("y", X, "uint8")],
    initializers: [weights, change.weightScale ?? scale("sw"), zero("zw"), ...constants],
    nodes: [node("QLinearMatMul", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy"], ["y"])],
  });
}

function product(x: Shape, w: Shape, y: Shape, constant = true): OnnxModel {
  const dims = w.map(Number);
  const elements = dims.reduce((a, b) => a * b, 1);
  return model({
    inputs: [value("x", x), ...(constant ? [] : [value("w", w)])],
    outputs: [value("y", y)],
    initializers: constant ? [floats("w", dims, Array(elements).fill(1))] : [],
    nodes: [node("MatMul", ["x", "w"], ["y"])],
  });
}

function softmax(outputScale: number): OnnxModel {
  return model({
    inputs: [value("q", X, "uint8")],
    outputs: [value("y", X, "uint8")],
    values: [value("x", X), value("p", X)],
    initializers: [scale("s"), zero("z"), scale("t", [outputScale]), zero("u")],
    nodes: [
      node("DequantizeLinear", ["q", "s", "z"], ["x"]),
      node("Softmax", ["x"], ["p"]),
      node("QuantizeLinear", ["p", "t", "u"], ["y"]),
    ],
  });
}

const clip = (low: number, high: number): OnnxModel =>
  unary("Clip", { initializers: [floats("lo", [], [low]), floats("hi", [], [high])] }, ["lo", "hi"]);

const gather = (dtype: "int32" | "int64"): OnnxModel =>
  model({
    inputs: [value("x", X), value("i", [2], dtype)],
    outputs,
    nodes: [node("Gather", ["x", "i"], ["y"])],
  });

const reshape = (allowzero: number): OnnxModel =>
  model({
    inputs,
    outputs,
    initializers: [int64s("shape", [0, 4])],
    nodes: [node("Reshape", ["x", "shape"], ["y"], { allowzero: int(allowzero) })],
  });

const gemm = (alpha: number): OnnxModel =>
  model({
    inputs,
    outputs,
    initializers: [floats("w", [4, 4], Array(16).fill(1)), floats("b", [4], [1, 2, 3, 4])],
    nodes: [node("Gemm", ["x", "w", "b"], ["y"], { alpha: { type: "float", value: alpha } })],
  });

const cast = (dtype: "int32" | "int64"): OnnxModel =>
  model({
    inputs,
    outputs: [value("y", X, dtype)],
    nodes: [node("Cast", ["x"], ["y"], { to: int(dtype === "int32" ? 6 : 7) })],
  });

const quantize = (dtype: "uint8" | "int8"): OnnxModel =>
  model({
    inputs,
    outputs: [value("y", X, dtype)],
    initializers: [scale("s"), zero("z", dtype)],
    nodes: [node("QuantizeLinear", ["x", "s", "z"], ["y"])],
  });

export const RULE_CASES: readonly RuleCase[] = [
  { rule: "known-op", pass: unary("Sigmoid"), fail: unary("Erf") },
  { rule: "api-level", pass: unary("Tanh"), fail: unary("Sqrt"), apiLevel: 28 },
  {
    rule: "no-subgraph",
    pass: unary("Relu"),
    fail: model({
      inputs,
      outputs,
      nodes: [node("Relu", ["x"], ["y"], { body: { type: "unread", holdsGraph: true } })],
    }),
  },
  {
    rule: "inline-constants",
    pass: product(X, [4, 4], X),
    fail: model({
      inputs,
      outputs,
      initializers: [{ name: "w", dtype: "float32", dims: [4, 4], data: "external" }],
      nodes: [node("MatMul", ["x", "w"], ["y"])],
    }),
  },
  {
    rule: "defined-operands",
    pass: unary("Add", { initializers: [floats("one", [], [1])] }, ["one"]),
    fail: unary("Add", {}, ["one"]),
  },
  {
    rule: "static-shape",
    pass: unary("Relu"),
    fail: unary("Relu", { inputs: [value("x", ["tokens", 4])] }),
  },
  { rule: "not-empty", pass: unary("Relu"), fail: unary("Relu", { inputs: [value("x", [0, 4])] }) },
  {
    rule: "rank",
    pass: unary("Relu", { inputs: [value("x", [1, 1, 2, 4])], outputs: [value("y", [1, 1, 2, 4])] }),
    fail: unary("Relu", { inputs: [value("x", [1, 1, 1, 2, 4])], outputs: [value("y", [1, 1, 1, 2, 4])] }),
  },
  {
    rule: "data-type",
    pass: unary("Relu"),
    fail: unary("Relu", { inputs: [value("x", X, "int64")] }),
  },
  { rule: "cast-type", pass: cast("int32"), fail: cast("int64") },
  { rule: "matrix-operands", pass: product(X, [4, 4], X), fail: product([1, 2, 4], [4, 4], [1, 2, 4]) },
  { rule: "constant-weights", pass: product(X, [4, 4], X), fail: product(X, [4, 4], X, false) },
  { rule: "gemm-form", pass: gemm(1), fail: gemm(0.5) },
  {
    rule: "constant-quantization",
    pass: quantizedProduct({}),
    fail: quantizedProduct({
      inputs: [value("sx", [])],
      constants: [zero("zx"), scale("sy"), zero("zy")],
    }),
  },
  {
    rule: "per-tensor-scale",
    pass: quantizedProduct({}),
    fail: quantizedProduct({ weightScale: scale("sw", [1, 2, 3, 4]) }),
  },
  {
    rule: "quantized-weights",
    pass: quantizedProduct({ weights: bytes("w", [4, 4], Array(16).fill(1), "int8") }),
    fail: quantizedProduct({ weights: bytes("w", [4, 4], Array(32).fill(1), "uint16") }),
  },
  { rule: "quantize-type", pass: quantize("uint8"), fail: quantize("int8") },
  { rule: "quantized-softmax", pass: softmax(1 / 256), fail: softmax(1 / 128) },
  {
    rule: "constant-parameters",
    pass: reshape(0),
    fail: model({
      inputs: [value("x", X), value("shape", [2], "int64")],
      outputs,
      nodes: [node("Reshape", ["x", "shape"], ["y"])],
    }),
  },
  { rule: "clip-bounds", pass: clip(0, 6), fail: clip(0, 5) },
  { rule: "gather-indices", pass: gather("int32"), fail: gather("int64") },
  { rule: "reshape-form", pass: reshape(0), fail: reshape(1) },
];
