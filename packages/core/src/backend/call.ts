/** Checks of a call's inputs against a graph, shared by backends. */
import { MilletError } from "../errors.js";
import type { Graph, RowAxis, Value } from "../graph/graph.js";
import { byteLength, formatSpec, type HostTensor } from "../tensor/tensor.js";
import type { Call } from "./backend.js";

/** Rows that a call fills of each axis. */
export type ActiveRows = Readonly<Record<Exclude<RowAxis, "fixed">, number>>;

/**
 * The active rows of a call.
 * @throws MilletError INVALID_ARGUMENT if an input is missing, of the wrong dtype or shape, or axes disagree
 */
export function checkCall(graph: Graph, call: Call): ActiveRows {
  const rows: Partial<Record<RowAxis, number>> = {};
  for (const [name, value] of Object.entries(graph.inputs)) {
    const tensor = call.inputs[name];
    if (!tensor || !fits(tensor, value)) throw mismatch(graph, value, tensor);
    const count = tensor.spec.shape[0]!;
    if (value.rowAxis === "fixed") continue;
    if ((rows[value.rowAxis] ??= count) !== count) throw mismatch(graph, value, tensor);
  }
  return { tokens: rows.tokens ?? 0, logits: rows.logits ?? 0 };
}

function fits(tensor: HostTensor, value: Value): boolean {
  const { dtype, shape } = tensor.spec;
  const expected = value.spec.shape;
  return (
    dtype === value.spec.dtype &&
    shape.length === expected.length &&
    shape.every((n, i) => n === expected[i] || (i === 0 && value.rowAxis !== "fixed" && n <= expected[i]!)) &&
    tensor.data.byteLength === byteLength(tensor.spec)
  );
}

function mismatch(graph: Graph, value: Value, tensor: HostTensor | undefined): MilletError {
  const expected = `${formatSpec(value.spec)} by ${value.rowAxis}`;
  const actual = tensor ? formatSpec(tensor.spec) : "nothing";
  return new MilletError(
    "INVALID_ARGUMENT",
    `Graph "${graph.name}" takes ${expected} as input "${value.name}", got ${actual}.`,
  );
}
