/** A decoder layer's prefill in 8 bits as plan `fused` has it, 2 rows wide: everything but its attention suits NNAPI. */
import type { OnnxModel, OnnxNode, OnnxTensor } from "../../src/onnx/model.js";
import { bytes, floats, int64s, model, node, value } from "./graphs.js";

const [ROWS, HIDDEN, MIDDLE] = [2, 4, 6];

/** Parts of the graph: nodes in order, and the constants that they need. */
interface Parts {
  readonly nodes: OnnxNode[];
  readonly initializers: OnnxTensor[];
}

const scale = (name: string): OnnxTensor => floats(name, [], [0.5]);
const zeroPoint = (name: string): OnnxTensor => bytes(name, [], [128]);

/** `to` = norm(x) * weight */
function norm({ nodes, initializers }: Parts, x: string, to: string): void {
  initializers.push(floats(`${to}.w`, [HIDDEN], [1, 1, 1, 1]));
  nodes.push(
    node("Mul", [x, x], [`${to}.square`]),
    node("ReduceMean", [`${to}.square`, "axes"], [`${to}.mean`]),
    node("Add", [`${to}.mean`, "epsilon"], [`${to}.sum`]),
    node("Sqrt", [`${to}.sum`], [`${to}.root`]),
    node("Div", [x, `${to}.root`], [`${to}.unit`]),
    node("Mul", [`${to}.unit`, `${to}.w`], [to]),
  );
}

/** `to` = x times weights: quantized, multiplied, dequantized, and each column by its own factor. */
function linear({ nodes, initializers }: Parts, x: string, to: string, columns: number, rows: number): void {
  initializers.push(
    ...[`${to}.sx`, `${to}.sw`, `${to}.sy`].map(scale),
    ...[`${to}.zx`, `${to}.zw`, `${to}.zy`].map(zeroPoint),
    bytes(`${to}.w`, [columns, rows], Array(columns * rows).fill(129)),
    floats(`${to}.factors`, [rows], Array(rows).fill(1)),
  );
  const weights = [`${to}.w`, `${to}.sw`, `${to}.zw`];
  nodes.push(
    node("QuantizeLinear", [x, `${to}.sx`, `${to}.zx`], [`${to}.q`]),
    node(
      "QLinearMatMul",
      [`${to}.q`, `${to}.sx`, `${to}.zx`, ...weights, `${to}.sy`, `${to}.zy`],
      [`${to}.p`],
    ),
    node("DequantizeLinear", [`${to}.p`, `${to}.sy`, `${to}.zy`], [`${to}.d`]),
    node("Mul", [`${to}.d`, `${to}.factors`], [to]),
  );
}

/** Projections "q", "k", "v", "o", "gate", "up" and "down" give the nodes their names: "QLinearMatMul_q.p". */
export function quantizedLayer(): OnnxModel {
  const parts: Parts = {
    nodes: [],
    initializers: [int64s("axes", [-1]), floats("epsilon", [], [1e-5])],
  };
  norm(parts, "x", "a");
  for (const name of ["q", "k", "v"]) linear(parts, "a", name, HIDDEN, HIDDEN);
  parts.nodes.push(node("GroupQueryAttention", ["q", "k", "v"], ["mixed"], {}, "com.microsoft"));
  linear(parts, "mixed", "o", HIDDEN, HIDDEN);
  parts.nodes.push(node("Add", ["x", "o"], ["h"]));
  norm(parts, "h", "b");
  for (const name of ["gate", "up"]) linear(parts, "b", name, HIDDEN, MIDDLE);
  parts.nodes.push(
    node("Sigmoid", ["gate"], ["sigmoid"]),
    node("Mul", ["gate", "sigmoid"], ["silu"]),
    node("Mul", ["silu", "up"], ["gated"]),
  );
  linear(parts, "gated", "down", MIDDLE, HIDDEN);
  parts.nodes.push(node("Add", ["h", "down"], ["y"]));
  const shape = [ROWS, HIDDEN];
  return model({
    ...parts,
    inputs: [value("x", shape)],
    outputs: [value("y", shape)],
    values: [value("mixed", shape)],
  });
}
