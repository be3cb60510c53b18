/** Rules on operands that are parameters: axes, shapes, bounds, indices. */
import { numbersOf } from "../constants.js";
import { operand } from "../graph-index.js";
import type { Rule } from "../rule.js";

/** Operands that say what to do, by operator, with their names in ONNX. */
const PARAMETERS: Readonly<Record<string, readonly (readonly [index: number, name: string])[]>> = {
  Slice: [
    [1, "starts"],
    [2, "ends"],
    [3, "axes"],
    [4, "steps"],
  ],
  Reshape: [[1, "shape"]],
  Split: [[1, "split"]],
  ReduceMean: [[1, "axes"]],
  Squeeze: [[1, "axes"]],
  Unsqueeze: [[1, "axes"]],
  Pad: [
    [1, "pads"],
    [2, "constant_value"],
  ],
  Clip: [
    [1, "min"],
    [2, "max"],
  ],
  PRelu: [[1, "slope"]],
};

export const constantParameters: Rule = {
  name: "constant-parameters",
  ops: Object.keys(PARAMETERS),
  demands: "Axes, shapes and bounds are constants.",
  check(node, { graph }) {
    for (const [index, name] of PARAMETERS[node.opType] ?? []) {
      const value = operand(node, index);
      if (value === undefined || graph.constant(value) !== undefined) continue;
      return { what: `${name} ("${value}") is computed`, fix: "Make it an initializer." };
    }
    return undefined;
  },
};

const BOUNDS = [
  [0, 6],
  [-1, 1],
] as const;

export const clipBounds: Rule = {
  name: "clip-bounds",
  ops: ["Clip"],
  demands: "Clip cuts to [0, 6] or [-1, 1].",
  check(node, { graph }) {
    const [low, high] = [1, 2].map((index) => {
      const constant = graph.constant(operand(node, index) ?? "");
      return constant === undefined ? undefined : numbersOf(constant)?.[0];
    });
    if (BOUNDS.some(([from, to]) => from === low && to === high)) return undefined;
    return {
      what: `it cuts to [${low ?? "no bound"}, ${high ?? "no bound"}]`,
      fix: "Use Min and Max (API level 29), or Relu.",
    };
  },
};

export const gatherIndices: Rule = {
  name: "gather-indices",
  ops: ["Gather"],
  demands: "Indices are int32, or a constant.",
  check(node, { graph }) {
    const name = operand(node, 1) ?? "";
    const { dtype } = graph.type(name);
    if (dtype === "int32" || graph.constant(name) !== undefined) return undefined;
    return {
      what: `the indices "${name}" are ${dtype ?? "of unknown type"} and computed`,
      fix: "Use int32 indices.",
    };
  },
};

export const reshapeForm: Rule = {
  name: "reshape-form",
  ops: ["Reshape"],
  demands: "A Reshape names sizes, not zeros that copy them when allowzero is set.",
  check(node, { graph }) {
    const allowZero = node.attributes.allowzero;
    const shape = graph.constant(operand(node, 1) ?? "");
    const copies = shape !== undefined && numbersOf(shape)?.includes(0) === true;
    if (!copies || allowZero?.type !== "int" || allowZero.value === 0) return undefined;
    return { what: "its shape has a zero and allowzero is 1", fix: "Write the sizes out." };
  },
};
