/** Checks a call's indices and writes its inputs as the bytes that an executable's program reads. */
import { type ActiveRows, type Call, checkIndices, hostInputs } from "@millet/core/backend";
import type { Value } from "@millet/core/graph";
import { fillRotationTable } from "@millet/core/ops";
import { type HostTensor, viewAs } from "@millet/core/tensor";
import type { LoweredGraph } from "./lower/lower.js";
import { isMatrix, matrixStride } from "./lower/matrix.js";
import type { CpuState } from "./state.js";

/**
 * The bytes of the call block.
 * @throws MilletError INVALID_ARGUMENT for an index that points nowhere: a program must not read outside its memory; for
 *   an input that is no data
 */
export function callData(
  { graph, call: block }: LoweredGraph,
  call: Call,
  rows: ActiveRows,
  state: CpuState | undefined,
): Uint8Array {
  const given = hostInputs(graph, call);
  const inputs = (value: Value): HostTensor => given[value.name]!;
  checkIndices(graph, inputs, rows, state?.rows);
  const bytes = new Uint8Array(block.byteLength);
  const words = new Int32Array(bytes.buffer);
  const wordAt = (address: number) => (address - block.address) / 4;
  words[wordAt(block.blocks)] = state?.tableWord ?? 0;
  for (const { address, axis, rows: most, times } of block.counts.values()) {
    words[wordAt(address)] = times * (axis === "fixed" ? most : rows[axis]);
  }
  for (const [value, address] of block.inputs)
    placeInput(bytes, address - block.address, value, inputs(value));
  for (const { address, rope, positions } of block.rotations) {
    const table = new Float32Array(bytes.buffer, address - block.address);
    fillRotationTable(table, rope, viewAs(inputs(positions), "i32"));
  }
  return bytes;
}

function placeInput(bytes: Uint8Array, offset: number, value: Value, { spec, data }: HostTensor): void {
  if (!isMatrix(value)) {
    bytes.set(data, offset);
    return;
  }
  const [rows, rowBytes] = [spec.shape[0]!, 4 * spec.shape[1]!];
  for (let row = 0; row < rows; row++) {
    bytes.set(data.subarray(row * rowBytes, (row + 1) * rowBytes), offset + row * matrixStride(value));
  }
}
