/** Rules on matrix products and quantization. */
import { numbersOf } from "../constants.js";
import { floatAttribute, type GraphIndex, intAttribute, operand } from "../graph-index.js";
import type { Breach, Rule } from "../rule.js";

export const matrixOperands: Rule = {
  name: "matrix-operands",
  ops: ["MatMul", "QLinearMatMul", "Gemm"],
  demands: "Both operands of a product have two dimensions.",
  check(node, { graph }) {
    const names = node.opType === "QLinearMatMul" ? [0, 3] : [0, 1];
    for (const name of names.map((index) => operand(node, index) ?? "")) {
      const dimensions = graph.type(name).shape?.length;
      if (dimensions !== undefined && dimensions !== 2) {
        return { what: `"${name}" has ${dimensions} dimensions`, fix: "Reshape to [rows, columns]." };
      }
    }
    return undefined;
  },
};

export const constantWeights: Rule = {
  name: "constant-weights",
  ops: ["MatMul", "QLinearMatMul", "Conv", "QLinearConv"],
  demands: "The right operand of a product is a constant.",
  check(node, { graph }) {
    const name = operand(node, node.opType.startsWith("QLinear") ? 3 : 1) ?? "";
    if (graph.constant(name) !== undefined) return undefined;
    return {
      what: `the weights "${name}" are not a constant`,
      fix: "Make them an initializer; products of two computed values stay on the CPU.",
    };
  },
};

export const gemmForm: Rule = {
  name: "gemm-form",
  ops: ["Gemm"],
  demands: "Gemm has transA 0, alpha 1, beta 1; a constant B unless transB is 1; a C of one dimension.",
  check(node, { graph }) {
    const plain =
      intAttribute(node, "transA", 0) === 0 &&
      floatAttribute(node, "alpha", 1) === 1 &&
      floatAttribute(node, "beta", 1) === 1;
    if (!plain)
      return { what: "transA, alpha or beta has another value", fix: "Fold them into the weights." };
    const b = operand(node, 1) ?? "";
    if (intAttribute(node, "transB", 0) === 0 && graph.constant(b) === undefined) {
      return { what: `"${b}" is neither a constant nor transposed`, fix: "Make it an initializer." };
    }
    const bias = operand(node, 2);
    if (bias === undefined || graph.type(bias).shape?.length === 1) return undefined;
    return { what: `the bias "${bias}" is not a vector`, fix: "Give it one dimension, or use Add." };
  },
};

/** Scale and zero-point operands of each operator; a pair per quantized value, scale first. */
const QUANTIZATION: Readonly<Record<string, readonly (readonly [scale: number, zeroPoint: number])[]>> = {
  QLinearMatMul: [
    [1, 2],
    [4, 5],
    [6, 7],
  ],
  QLinearConv: [
    [1, 2],
    [4, 5],
    [6, 7],
  ],
  QLinearAdd: [
    [1, 2],
    [4, 5],
    [6, 7],
  ],
  QLinearMul: [
    [1, 2],
    [4, 5],
    [6, 7],
  ],
  QLinearSigmoid: [
    [1, 2],
    [3, 4],
  ],
  QuantizeLinear: [[1, 2]],
  DequantizeLinear: [[1, 2]],
};

export const constantQuantization: Rule = {
  name: "constant-quantization",
  ops: Object.keys(QUANTIZATION),
  demands: "Scales and zero points are constants.",
  check(node, { graph }) {
    for (const name of (QUANTIZATION[node.opType] ?? []).flat().map((index) => operand(node, index))) {
      if (name === undefined || graph.constant(name) !== undefined) continue;
      return {
        what: `"${name}" is computed, and scales and zero points must be constants`,
        fix: "Take static scales from a calibration run.",
      };
    }
    return undefined;
  },
};

export const perTensorScale: Rule = {
  name: "per-tensor-scale",
  ops: Object.keys(QUANTIZATION).filter((op) => op !== "QLinearConv"),
  demands:
    "A value has one scale and one zero point; only the weights of a convolution may have one per channel.",
  check(node, { graph }) {
    for (const name of (QUANTIZATION[node.opType] ?? []).flat().map((index) => operand(node, index))) {
      const elements = name === undefined ? 1 : elementsOf(graph, name);
      if (elements === 1) continue;
      return {
        what: `"${name}" has ${elements} values, one per channel`,
        fix: "Divide each output column by a factor of its own, use one scale, and multiply after DequantizeLinear.",
      };
    }
    return undefined;
  },
};

function elementsOf(graph: GraphIndex, name: string): number {
  const dims = graph.constant(name)?.dims ?? [];
  return dims.reduce((product, dim) => product * dim, 1);
}

export const quantizedWeights: Rule = {
  name: "quantized-weights",
  ops: ["QLinearMatMul", "QLinearConv"],
  demands: "Quantized weights are uint8 or int8.",
  check(node, { graph }) {
    const name = operand(node, 3) ?? "";
    const { dtype } = graph.type(name);
    if (dtype === undefined || dtype === "uint8" || dtype === "int8") return undefined;
    return { what: `the weights "${name}" are ${dtype}`, fix: "Quantize them to uint8." };
  },
};

export const quantizeType: Rule = {
  name: "quantize-type",
  ops: ["QuantizeLinear"],
  demands: "QuantizeLinear gives uint8.",
  check(node, { graph }) {
    const zeroPoint = operand(node, 2);
    const dtype = zeroPoint === undefined ? "uint8" : graph.type(zeroPoint).dtype;
    if (dtype === undefined || dtype === "uint8") return undefined;
    return { what: `it quantizes to ${dtype}`, fix: "Use a zero point of type uint8." };
  },
};

const SOFTMAX_SCALE = 1 / 256;

/** A quantized softmax stands between DequantizeLinear and QuantizeLinear; NNAPI's has a fixed output scale. */
export const quantizedSoftmax: Rule = {
  name: "quantized-softmax",
  ops: ["Softmax"],
  demands: "A softmax that is quantized has the scale 1/256 and the zero point 0.",
  check(node, { graph }): Breach | undefined {
    const before = graph.producer(node.inputs[0] ?? "");
    const after = graph.graph.nodes.filter((other) => other.inputs[0] === node.outputs[0]);
    const quantize = after.length === 1 && after[0]?.opType === "QuantizeLinear" ? after[0] : undefined;
    if (before?.opType !== "DequantizeLinear" || quantize === undefined) return undefined;
    const value = (index: number) => {
      const constant = graph.constant(operand(quantize, index) ?? "");
      return constant === undefined ? undefined : numbersOf(constant)?.[0];
    };
    if (value(1) === SOFTMAX_SCALE && (value(2) ?? 0) === 0) return undefined;
    return {
      what: "its output is quantized with another scale than 1/256 or another zero point than 0",
      fix: "Use 1/256 and 0.",
    };
  },
};
