/** Checks that the indices of a call point to something, shared by backends: compiled kernels do not check them again. */
import { MilletError } from "../errors.js";
import type { Graph, Node, Value } from "../graph/graph.js";
import { KV_BLOCK_ROWS } from "../graph/kv.js";
import { asOpNode } from "../ops/index.js";
import { type HostTensor, viewAs } from "../tensor/tensor.js";
import type { ActiveRows } from "./call.js";

/** An input's data; undefined for one that only the device knows. */
export type InputData = (value: Value) => HostTensor | undefined;

/**
 * @param stateRows rows that the call's state has reserved; undefined if the call has none
 * @throws MilletError INVALID_ARGUMENT for an index that points nowhere, or a state that is missing
 */
export function checkIndices(
  graph: Graph,
  inputs: InputData,
  rows: ActiveRows,
  stateRows: number | undefined,
): void {
  for (const node of graph.nodes) checkNode(node, inputs, rows, stateRows);
}

function checkNode(node: Node, inputs: InputData, rows: ActiveRows, stateRows: number | undefined): void {
  const typed = asOpNode(node);
  if (typed.op === "embedding") {
    checkRange(inputs(typed.inputs[1]!), typed.inputs[0]!.spec.shape[0]!, "Token id", "the vocabulary of");
  } else if (typed.op === "gather_rows") {
    const x = typed.inputs[0]!;
    const active = x.rowAxis === "fixed" ? x.spec.shape[0]! : rows[x.rowAxis];
    checkRange(inputs(typed.inputs[1]!), active, "Row", "the active rows, of which there are");
  } else if (typed.op === "attention" && typed.attrs.layer === 0) checkCache(typed, inputs, stateRows);
}

/** Layers share these operands: the first speaks for all. */
function checkCache(node: Node, inputs: InputData, stateRows: number | undefined): void {
  if (stateRows === undefined) {
    throw new MilletError("INVALID_ARGUMENT", "attention needs a KV cache: pass a state to run().");
  }
  const [sequences, writeRows, blockTable, lengths] = node.inputs.slice(4).map(inputs);
  const [sequenceCount, columns] = [node.inputs[6]!.spec.shape[0]!, node.inputs[6]!.spec.shape[1]!];
  checkRange(sequences, sequenceCount, "Sequence", "the block table's rows, of which there are");
  checkRange(writeRows, stateRows, "Cache row", "the reserved rows, of which there are");
  checkRange(lengths, columns * KV_BLOCK_ROWS + 1, "Length", "a row of the block table, less than");
  if (!blockTable || !lengths) return;
  const table = viewAs(blockTable, "i32");
  viewAs(lengths, "i32").forEach((length, sequence) => {
    for (let i = 0; i < Math.ceil(length / KV_BLOCK_ROWS); i++) {
      const block = table[sequence * columns + i]!;
      if (block < 0 || block * KV_BLOCK_ROWS >= stateRows) {
        throw outside("Block", block, "the KV cache of", stateRows);
      }
    }
  });
}

function checkRange(tensor: HostTensor | undefined, end: number, what: string, of: string): void {
  if (!tensor) return;
  for (const index of viewAs(tensor, "i32"))
    if (index < 0 || index >= end) throw outside(what, index, of, end);
}

function outside(what: string, index: number, of: string, end: number): MilletError {
  return new MilletError("INVALID_ARGUMENT", `${what} ${index} is outside ${of} ${end}.`);
}
