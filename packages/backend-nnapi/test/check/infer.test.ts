/** Inferred types are those that ONNX Runtime computes: of every operator alone, and of a whole decoder's graph. */

import ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { inferTypes } from "../../src/check/infer/index.js";
import { NNAPI_OPS } from "../../src/check/ops.js";
import type { OnnxModel, OnnxTensor, OnnxValue } from "../../src/onnx/model.js";
import { writeOnnx } from "../../src/onnx/write.js";
import { bytes, floats, int, int64s, model, node, type Shape, value } from "../support/graphs.js";

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array } as const;

/** Runs the model with all values as outputs, and compares their types with the inferred ones. */
async function expectRuntimeAgrees(given: OnnxModel): Promise<void> {
  const { graph } = inferTypes(given);
  const known = new Map([...graph.values, ...graph.outputs].map((about) => [about.name, about]));
  const names = graph.nodes.flatMap(({ outputs }) => outputs);
  const outputs = names.map((name) => known.get(name) ?? { name, dtype: undefined, shape: undefined });
  expect(outputs.filter(({ shape }) => shape === undefined).map(({ name }) => name)).toEqual([]);
  const session = await ort.InferenceSession.create(
    await writeOnnx({ ...given, graph: { ...given.graph, outputs } }).bytes(),
    { graphOptimizationLevel: "disabled" },
  );
  const feeds = Object.fromEntries(given.graph.inputs.map((input) => [input.name, zeros(input)]));
  const results = await session.run(feeds);
  const found = names.map((name) => [name, results[name]?.type, results[name]?.dims]);
  await session.release();
  expect(outputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual(found);
}

function zeros({ dtype, shape }: OnnxValue) {
  const dims = (shape ?? []).map(Number);
  const length = dims.reduce((product, dim) => product * dim, 1);
  if (dtype === "float32" || dtype === "int32" || dtype === "uint8" || dtype === "int8") {
    return new ort.Tensor(dtype, new ARRAYS[dtype](length), dims);
  }
  throw new Error(`no zeros of ${dtype}`);
}

interface OpCase {
  readonly op: string;
  readonly inputs: readonly (Shape | OnnxValue | OnnxTensor)[];
  readonly outputs?: number;
  readonly attributes?: Parameters<typeof node>[3];
}

const isTensor = (part: OpCase["inputs"][number]): part is OnnxTensor => "data" in part;
const isValue = (part: OpCase["inputs"][number]): part is OnnxValue => "shape" in part;

function opModel({ op, inputs, outputs = 1, attributes = {} }: OpCase): OnnxModel {
  const named = inputs.map((part, i) => (isTensor(part) || isValue(part) ? part : value(`x${i}`, part)));
  const made = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const domain = NNAPI_OPS[op]?.domain ?? (op === "MatMulNBits" ? "com.microsoft" : "");
  return model({
    inputs: named.filter((part): part is OnnxValue => !isTensor(part)),
    initializers: named.filter(isTensor),
    outputs: made.map((name) => ({ name, dtype: undefined, shape: undefined })),
    nodes: [
      node(
        op,
        named.map(({ name }) => name),
        made,
        attributes,
        domain,
      ),
    ],
  });
}

const axis = (number: number) => ({ axis: int(number) });
const quantized = (name: string) => [
  value(name, [2, 3], "uint8"),
  floats(`${name}s`, [], [0.5]),
  bytes(`${name}z`, [], [3]),
];
const output = [floats("os", [], [0.5]), bytes("oz", [], [3])];

const CASES: readonly OpCase[] = [
  ...["Abs", "Exp", "Floor", "Log", "Neg", "Sigmoid", "Sin", "Sqrt", "Tanh", "Erf", "Relu", "Elu"].map(
    (op) => ({
      op,
      inputs: [[2, 3]],
    }),
  ),
  { op: "LeakyRelu", inputs: [[2, 3]] },
  { op: "Identity", inputs: [[2, 3]] },
  { op: "Softmax", inputs: [[2, 3]], attributes: axis(-1) },
  { op: "Clip", inputs: [[2, 3], floats("lo", [], [0]), floats("hi", [], [6])] },
  { op: "PRelu", inputs: [[2, 3], floats("slope", [3], [1, 2, 3])] },
  ...["Add", "Sub", "Mul", "Div", "Pow", "Min", "Max"].map((op) => ({
    op,
    inputs: [
      [4, 1, 3],
      [2, 1],
    ],
  })),
  { op: "QLinearAdd", inputs: [...quantized("a"), ...quantized("b"), ...output] },
  { op: "QLinearMul", inputs: [...quantized("a"), ...quantized("b"), ...output] },
  { op: "QLinearSigmoid", inputs: [...quantized("a"), floats("os", [], [1 / 256]), bytes("oz", [], [0])] },
  { op: "QuantizeLinear", inputs: [[2, 3], floats("s", [], [1]), bytes("z", [], [0])] },
  { op: "DequantizeLinear", inputs: quantized("a") },
  { op: "Cast", inputs: [[2, 3]], attributes: { to: int(6) } },
  {
    op: "MatMul",
    inputs: [
      [2, 1, 5, 3],
      [4, 3, 6],
    ],
  },
  {
    op: "QLinearMatMul",
    inputs: [
      ...quantized("a"),
      bytes("w", [3, 5], Array(15).fill(1)),
      floats("ws", [], [0.5]),
      bytes("wz", [], [3]),
      ...output,
    ],
  },
  { op: "Gemm", inputs: [[3, 2], [5, 3], [5]], attributes: { transA: int(1), transB: int(1) } },
  {
    op: "MatMulNBits",
    inputs: [[2, 3, 32], bytes("w", [7, 1, 16], Array(112).fill(9)), floats("ws", [7], Array(7).fill(1))],
    attributes: { K: int(32), N: int(7), bits: int(4), block_size: int(32) },
  },
  { op: "ReduceMean", inputs: [[2, 3, 4], int64s("axes", [-1])] },
  { op: "ReduceMean", inputs: [[2, 3, 4], int64s("axes", [0, 2])], attributes: { keepdims: int(0) } },
  { op: "ReduceSum", inputs: [[2, 3, 4]] },
  {
    op: "Concat",
    inputs: [
      [2, 3],
      [2, 1],
      [2, 5],
    ],
    attributes: axis(-1),
  },
  {
    op: "Slice",
    inputs: [[5, 7], int64s("from", [1]), int64s("to", [6]), int64s("axes", [-1]), int64s("by", [2])],
  },
  {
    op: "Slice",
    inputs: [[5, 7], int64s("from", [-1]), int64s("to", [-99]), int64s("axes", [1]), int64s("by", [-3])],
  },
  { op: "Split", inputs: [[2, 7], int64s("sizes", [3, 4])], outputs: 2, attributes: axis(1) },
  {
    op: "Split",
    inputs: [[2, 7]],
    outputs: 3,
    attributes: { ...axis(1), num_outputs: int(3) },
  },
  { op: "Gather", inputs: [[4, 5, 6], value("i", [2, 3], "int32")], attributes: axis(1) },
  { op: "Reshape", inputs: [[4, 6], int64s("shape", [0, -1, 2])] },
  { op: "Transpose", inputs: [[2, 3, 4]], attributes: { perm: { type: "ints", value: [2, 0, 1] } } },
  { op: "Transpose", inputs: [[2, 3, 4]] },
  { op: "Squeeze", inputs: [[1, 3, 1], int64s("axes", [-1])] },
  { op: "Squeeze", inputs: [[1, 3, 1]] },
  { op: "Unsqueeze", inputs: [[3, 4], int64s("axes", [0, -1])] },
  { op: "Flatten", inputs: [[2, 3, 4]], attributes: axis(2) },
  { op: "Pad", inputs: [[2, 3], int64s("pads", [1, 0, 2, 3])] },
];

describe("the type of a result", () => {
  test.each(CASES)("$op", (about) => expectRuntimeAgrees(opModel(about)));

  test("of every operator that NNAPI takes has a case", () => {
    const convolutions = ["Conv", "QLinearConv"]; // models of language have none: their results stay unknown
    const cases = new Set([...CASES.map(({ op }) => op), ...convolutions]);
    expect(Object.keys(NNAPI_OPS).filter((op) => !cases.has(op))).toEqual([]);
  });

  test("follows through a graph, dynamic dimensions by their names", () => {
    const { graph } = inferTypes(
      model({
        inputs: [value("x", ["tokens", 6])],
        initializers: [int64s("shape", [-1, 2, 3]), floats("w", [3, 4], Array(12).fill(1))],
        outputs: [value("y", ["tokens", 2, 4])],
        nodes: [
          node("Reshape", ["x", "shape"], ["a"]),
          node("Transpose", ["a"], ["b"], { perm: { type: "ints", value: [1, 0, 2] } }),
          node("MatMul", ["b", "w"], ["c"]),
        ],
      }),
    );
    expect(Object.fromEntries(graph.values.map(({ name, shape }) => [name, shape]))).toEqual({
      a: ["tokens", 2, 3],
      b: [2, "tokens", 3],
      c: [2, "tokens", 4],
    });
  });

  test("after an operator that nobody knows is unknown", () => {
    const { graph } = inferTypes(
      model({
        inputs: [value("x", [2])],
        nodes: [node("Mystery", ["x"], ["a"]), node("Relu", ["a"], ["b"])],
      }),
    );
    expect(graph.values).toEqual([]);
  });
});
