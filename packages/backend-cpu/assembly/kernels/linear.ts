/**
 * linear: y = x W^T on packed weights, shared among threads by groups of 8 output features. A group's weights are read
 * once and used for all rows: a prompt is a matrix-matrix product (linear-rows.ts) and a decode step streams the weights
 * (linear-row.ts). Rows stand in groups of four where there are four, see activations.ts.
 */
import { Activations, groupedRows } from "../activations";
import { address, count, word } from "../address";
import { Dot } from "../dot";
import { LinearOperand as Operand, LinearScratch, PackedType, StepFlag } from "../opcodes";
import { isPlain, packedGroupBytes } from "../packed";
import { privateIndex, shareEnd, shareStart } from "../partition";
import { aborted } from "../shares";
import { plainPairOf, plainRows } from "./linear-plain-rows";
import { linearPair } from "./linear-pair";
import { linearRow } from "./linear-row";
import { linearRows } from "./linear-rows";

export function linear(type: PackedType, mode: Dot, step: usize, thread: i32, threads: i32): void {
  const groups = word(step, Operand.Groups);
  const first = shareStart(groups, thread, threads);
  const end = shareEnd(groups, thread, threads);
  const width = word(step, Operand.Width);
  const groupBytes = packedGroupBytes(type, width);
  const x = address(step, Operand.X) + address(step, Operand.XPrivate) * privateIndex;
  const xStride = address(step, Operand.XStride);
  const rows = count(step, Operand.Count);
  const y = address(step, Operand.Y);
  const yStride = address(step, Operand.YStride);
  const scratch = address(step, Operand.Scratch) + address(step, Operand.ScratchPrivate) * privateIndex;
  const addsPairs = ((load<u32>(step) >> 16) & StepFlag.AddPairs) != 0;
  const pairs = scratch + linearScratchEnd(rows);
  let w = address(step, Operand.Weight) + groupBytes * first;
  for (let group = first; group < end; ) {
    if (aborted()) return;
    const target = y + (<usize>group << 5);
    // One row streams the weights, two groups at a time where the type leaves room for four sums.
    const pair = isPlain(type) && rows == 1 && group + 1 < end;
    if (pair) plainPairOf(type, w, groupBytes, x, width, target);
    else if (isPlain(type)) plainRows(type, w, x, xStride, width, rows, target, yStride, scratch);
    else if (addsPairs) {
      quantizedRows(type, mode, w, x, width >> 5, rows, pairs, 32, scratch);
      for (let row = 0; row < rows; row += 2) addPair(pairs + (<usize>row << 5), target + yStride * (row >> 1));
    } else quantizedRows(type, mode, w, x, width >> 5, rows, target, yStride, scratch);
    group += pair ? 2 : 1;
    w += pair ? groupBytes << 1 : groupBytes;
  }
}

/** Bytes of the work space before the results of pairs. */
@inline
function linearScratchEnd(rows: i32): usize {
  return <usize>(LinearScratch.WeightBytes + LinearScratch.TileBytes + ((rows + 7) & ~7) * LinearScratch.RowBytes);
}

/** The sum of two rows of 8 features. */
@inline
function addPair(rows: usize, y: usize): void {
  v128.store(y, f32x4.add(v128.load(rows), v128.load(rows, 32)));
  v128.store(y, f32x4.add(v128.load(rows, 16), v128.load(rows, 48)), 16);
}

function quantizedRows(
  type: PackedType,
  mode: Dot,
  w: usize,
  x: usize,
  blocks: i32,
  rows: i32,
  y: usize,
  yStride: usize,
  scratch: usize,
): void {
  const grouped = groupedRows(rows);
  // A group of three has room for the fourth row's results: buffers hold a multiple of four rows.
  if (grouped > 0) linearRows(mode, type, w, x, blocks, grouped, y, yStride, scratch);
  const rowBytes = <usize>blocks * Activations.BlockBytes;
  let row = grouped;
  for (; row + 2 <= rows; row += 2) linearPair(mode, type, w, x + rowBytes * row, blocks, y + yStride * row, yStride);
  if (row < rows) linearRow(mode, type, w, x + rowBytes * row, blocks, y + yStride * row);
}
