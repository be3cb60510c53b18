/** Checks of a call's inputs against a graph, shared by backends. */
import { MilletError } from "../errors.js";
import type { Graph, RowAxis, Value } from "../graph/graph.js";
import { byteLength, formatSpec, type HostTensor, type TensorSpec } from "../tensor/tensor.js";
import type { Call, DeviceBuffer } from "./backend.js";

/** Rows that a call fills of each axis. */
export type ActiveRows = Readonly<Record<Exclude<RowAxis, "fixed">, number>>;

/**
 * The active rows of a call.
 * @throws MilletError INVALID_ARGUMENT if an input is missing, of the wrong dtype or shape, or axes disagree
 */
export function checkCall(graph: Graph, call: Call): ActiveRows {
  const rows: Partial<Record<RowAxis, number>> = {};
  for (const [name, value] of Object.entries(graph.inputs)) {
    const input = call.inputs[name];
    if (!input || !fits(input, value)) throw mismatch(graph, value, input);
    const count = input.spec.shape[0]!;
    if (value.rowAxis === "fixed") continue;
    if ((rows[value.rowAxis] ??= count) !== count) throw mismatch(graph, value, input);
  }
  return { tokens: rows.tokens ?? 0, logits: rows.logits ?? 0 };
}

/** The spec of an output of a call, with as many rows as the call fills. */
export function outputSpec(graph: Graph, name: string, rows: ActiveRows): TensorSpec {
  const { spec, rowAxis } = graph.outputs[name]!;
  const count = rowAxis === "fixed" ? spec.shape[0]! : rows[rowAxis];
  return { dtype: spec.dtype, shape: [count, ...spec.shape.slice(1)] };
}

/** Whether an input is an output of an earlier call. */
export function isDeviceBuffer(input: HostTensor | DeviceBuffer): input is DeviceBuffer {
  return "read" in input;
}

/**
 * The inputs of a call on a backend that takes data only.
 * @throws MilletError INVALID_ARGUMENT if one is an output of an earlier call
 */
export function hostInputs(graph: Graph, call: Call): Readonly<Record<string, HostTensor>> {
  return Object.fromEntries(
    Object.entries(call.inputs).map(([name, input]) => {
      if (!isDeviceBuffer(input)) return [name, input];
      throw new MilletError(
        "INVALID_ARGUMENT",
        `Graph "${graph.name}": input "${name}" is an output on the device, and this backend takes data only. Read it first.`,
      );
    }),
  );
}

function fits(input: HostTensor | DeviceBuffer, value: Value): boolean {
  const { dtype, shape } = input.spec;
  const expected = value.spec.shape;
  return (
    dtype === value.spec.dtype &&
    shape.length === expected.length &&
    shape.every((n, i) => n === expected[i] || (i === 0 && value.rowAxis !== "fixed" && n <= expected[i]!)) &&
    (isDeviceBuffer(input) || input.data.byteLength === byteLength(input.spec))
  );
}

function mismatch(graph: Graph, value: Value, input: HostTensor | DeviceBuffer | undefined): MilletError {
  const expected = `${formatSpec(value.spec)} by ${value.rowAxis}`;
  const actual = input ? formatSpec(input.spec) : "nothing";
  return new MilletError(
    "INVALID_ARGUMENT",
    `Graph "${graph.name}" takes ${expected} as input "${value.name}", got ${actual}.`,
  );
}
