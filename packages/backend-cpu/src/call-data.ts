/** Checks a call's indices and writes its inputs as the bytes that an executable's program reads. */
import { type ActiveRows, type Call, KV_BLOCK_ROWS } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Node, Value } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";
import { type HostTensor, viewAs } from "@millet/core/tensor";
import type { RotationTable } from "./lower/call-block.js";
import type { LoweredGraph } from "./lower/lower.js";
import { isMatrix, matrixStride } from "./lower/matrix.js";
import type { CpuState } from "./state.js";

/**
 * The bytes of the call block.
 * @throws MilletError INVALID_ARGUMENT for an index that points nowhere: a program must not read outside its memory
 */
export function callData(
  { graph, call: block }: LoweredGraph,
  call: Call,
  rows: ActiveRows,
  state: CpuState | undefined,
): Uint8Array {
  const inputs = (value: Value): HostTensor => call.inputs[value.name]!;
  for (const node of graph.nodes) checkIndices(node, inputs, rows, state);
  const bytes = new Uint8Array(block.byteLength);
  const words = new Int32Array(bytes.buffer);
  const wordAt = (address: number) => (address - block.address) / 4;
  words[wordAt(block.blocks)] = state?.tableWord ?? 0;
  for (const { address, axis, rows: most } of block.counts.values()) {
    words[wordAt(address)] = axis === "fixed" ? most : rows[axis];
  }
  for (const [value, address] of block.inputs)
    placeInput(bytes, address - block.address, value, inputs(value));
  for (const table of block.rotations) {
    placeRotation(
      new Float32Array(bytes.buffer, table.address - block.address),
      table,
      inputs(table.positions),
    );
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

/** Angles are computed in float64, so that they are exact at large positions. */
function placeRotation(target: Float32Array, { rope }: RotationTable, positions: HostTensor): void {
  const { inverseFrequencies, magnitude } = rope;
  const pairs = inverseFrequencies.length;
  viewAs(positions, "i32").forEach((position, row) => {
    for (let i = 0; i < pairs; i++) {
      const angle = position * inverseFrequencies[i]!;
      target[2 * row * pairs + i] = Math.cos(angle) * magnitude;
      target[(2 * row + 1) * pairs + i] = Math.sin(angle) * magnitude;
    }
  });
}

type Inputs = (value: Value) => HostTensor;

function checkIndices(node: Node, inputs: Inputs, rows: ActiveRows, state: CpuState | undefined): void {
  const typed = asOpNode(node);
  if (typed.op === "embedding") {
    checkRange(inputs(typed.inputs[1]!), typed.inputs[0]!.spec.shape[0]!, "Token id", "the vocabulary of");
  } else if (typed.op === "gather_rows") {
    const x = typed.inputs[0]!;
    const active = x.rowAxis === "fixed" ? x.spec.shape[0]! : rows[x.rowAxis];
    checkRange(inputs(typed.inputs[1]!), active, "Row", "the active rows, of which there are");
  } else if (typed.op === "attention" && typed.attrs.layer === 0) checkCache(typed, inputs, state);
}

/** Layers share these operands: the first speaks for all. */
function checkCache(node: Node, inputs: Inputs, state: CpuState | undefined): void {
  if (!state) throw new MilletError("INVALID_ARGUMENT", "attention needs a KV cache: pass a state to run().");
  const [sequences, writeRows, blockTable, lengths] = node.inputs.slice(4).map(inputs);
  const [sequenceCount, columns] = [blockTable!.spec.shape[0]!, blockTable!.spec.shape[1]!];
  checkRange(sequences!, sequenceCount, "Sequence", "the block table's rows, of which there are");
  checkRange(writeRows!, state.rows, "Cache row", "the reserved rows, of which there are");
  checkRange(lengths!, columns * KV_BLOCK_ROWS + 1, "Length", "a row of the block table, less than");
  const table = viewAs(blockTable!, "i32");
  viewAs(lengths!, "i32").forEach((length, sequence) => {
    for (let i = 0; i < Math.ceil(length / KV_BLOCK_ROWS); i++) {
      const block = table[sequence * columns + i]!;
      if (block < 0 || block * KV_BLOCK_ROWS >= state.rows)
        throw outside("Block", block, "the KV cache of", state.rows);
    }
  });
}

function checkRange(tensor: HostTensor, end: number, what: string, of: string): void {
  for (const index of viewAs(tensor, "i32"))
    if (index < 0 || index >= end) throw outside(what, index, of, end);
}

function outside(what: string, index: number, of: string, end: number): MilletError {
  return new MilletError("INVALID_ARGUMENT", `${what} ${index} is outside ${of} ${end}.`);
}
