/** Rules on the types of values: shapes, ranks, element types, where constants lie. */
import type { OnnxNode } from "../../onnx/model.js";
import type { GraphIndex } from "../graph-index.js";
import { NNAPI_OPS } from "../ops.js";
import type { Breach, Rule } from "../rule.js";

const MOST_DIMENSIONS = 4;

/** Operands that are data; the others are shapes, axes, indices, scales and zero points, which have their own rules. */
const DATA_OPERANDS: Readonly<Record<string, readonly number[]>> = {
  QLinearAdd: [0, 3],
  QLinearMul: [0, 3],
  QLinearSigmoid: [0],
  QLinearMatMul: [0],
  QLinearConv: [0],
  QuantizeLinear: [0],
  DequantizeLinear: [0],
  Gather: [0],
  Reshape: [0],
  Slice: [0],
  Split: [0],
  ReduceMean: [0],
  Squeeze: [0],
  Unsqueeze: [0],
  Pad: [0],
  Clip: [0],
};

/** Operators whose output has another type than their data. */
const OTHER_OUTPUT = new Set(["Cast", "QuantizeLinear", "DequantizeLinear"]);

const present = (names: readonly string[]): readonly string[] => names.filter((name) => name !== "");

function dataOperands(node: OnnxNode): readonly string[] {
  const indices = DATA_OPERANDS[node.opType];
  return present(indices === undefined ? node.inputs : indices.map((index) => node.inputs[index] ?? ""));
}

/** The first breach among values. */
function firstOf(
  names: readonly string[],
  graph: GraphIndex,
  judge: (name: string, type: ReturnType<GraphIndex["type"]>) => Breach | undefined,
): Breach | undefined {
  for (const name of names) {
    const breach = judge(name, graph.type(name));
    if (breach !== undefined) return breach;
  }
  return undefined;
}

export const definedOperands: Rule = {
  name: "defined-operands",
  ops: "all",
  demands: "Every operand is an input of the graph, a constant, or another node's output.",
  check(node, { graph }) {
    const name = present(node.inputs).find((input) => !graph.defines(input));
    if (name === undefined) return undefined;
    return {
      what: `"${name}" is neither an input, nor a constant, nor computed`,
      fix: "Export again: the file lacks this constant or the node that computes it, and no runtime can load it.",
    };
  },
};

export const staticShape: Rule = {
  name: "static-shape",
  ops: "all",
  demands: "Every input has a shape of known numbers.",
  check: (node, { graph }) =>
    firstOf(present(node.inputs), graph, (name, { shape }) => {
      if (shape === undefined) {
        return {
          what: `the shape of "${name}" is neither stated nor does it follow from what is`,
          fix: "Run ONNX shape inference on the file first.",
        };
      }
      const dim = shape.findIndex((size) => typeof size !== "number");
      if (dim < 0) return undefined;
      return {
        what: `dimension ${dim} of "${name}" is dynamic (${shape[dim] ?? "unnamed"})`,
        fix: "Export with fixed sizes: one file per chunk length.",
      };
    }),
};

export const notEmpty: Rule = {
  name: "not-empty",
  ops: "all",
  demands: "No input is empty.",
  check: (node, { graph }) =>
    firstOf(present(node.inputs), graph, (name, { shape }) =>
      shape?.includes(0) === true
        ? { what: `"${name}" has no elements`, fix: "Leave the node out where there is nothing to compute." }
        : undefined,
    ),
};

export const rank: Rule = {
  name: "rank",
  ops: "all",
  demands: `No value has more than ${MOST_DIMENSIONS} dimensions.`,
  check: (node, { graph }) =>
    firstOf(present([...node.inputs, ...node.outputs]), graph, (name, { shape }) =>
      (shape?.length ?? 0) > MOST_DIMENSIONS
        ? {
            what: `"${name}" has ${shape?.length} dimensions, and NNAPI takes ${MOST_DIMENSIONS}`,
            fix: "Reshape to fewer dimensions.",
          }
        : undefined,
    ),
};

export const dataType: Rule = {
  name: "data-type",
  ops: "all",
  demands: "Data are float32, int32 or uint8, as the operator takes them.",
  check(node, { graph }) {
    const allowed = NNAPI_OPS[node.opType]?.dtypes ?? [];
    const outputs = OTHER_OUTPUT.has(node.opType) ? [] : present(node.outputs);
    return firstOf([...dataOperands(node), ...outputs], graph, (name, { dtype }) =>
      dtype === undefined || allowed.includes(dtype)
        ? undefined
        : {
            what: `"${name}" is ${dtype}, and ${node.opType} takes ${allowed.join(" or ")}`,
            fix: `Convert "${name}" before, or leave the node to the CPU.`,
          },
    );
  },
};

export const castType: Rule = {
  name: "cast-type",
  ops: ["Cast"],
  demands: "A cast ends in float32 or int32.",
  check: (node, { graph }) =>
    firstOf(present(node.outputs), graph, (name, { dtype }) =>
      dtype === undefined || dtype === "float32" || dtype === "int32"
        ? undefined
        : { what: `"${name}" becomes ${dtype}`, fix: "Cast to float32 or int32." },
    ),
};

export const inlineConstants: Rule = {
  name: "inline-constants",
  ops: "all",
  demands: "Constants lie inside of the file.",
  check(node, { graph }) {
    const name = node.inputs.find((input) => graph.constant(input)?.data === "external");
    if (name === undefined) return undefined;
    return {
      what: `constant "${name}" lies in another file`,
      fix: "Export with the weights inside; above 2 GB cut the model into shards.",
    };
  },
};
