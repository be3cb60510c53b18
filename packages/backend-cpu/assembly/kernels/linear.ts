/**
 * linear: y = x W^T on packed weights, shared among threads by groups of 8 output features. A group's weights are read
 * once and used for all rows: a prompt is a matrix-matrix product (linear-rows.ts) and a decode step streams the weights
 * (linear-row.ts). Rows stand in groups of four where there are four, see activations.ts.
 */
import { Activations, groupedRows } from "../activations";
import { address, count, word } from "../address";
import { Dot } from "../dot";
import { LinearOperand as Operand, PackedType } from "../opcodes";
import { isPlain, packedGroupBytes } from "../packed";
import { privateIndex, shareEnd, shareStart } from "../partition";
import { aborted } from "../shares";
import { plainBytes, plainTile1, plainTile16, plainTile4 } from "./linear-plain";
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
  let w = address(step, Operand.Weight) + groupBytes * first;
  for (let group = first; group < end; ) {
    if (aborted()) return;
    const target = y + (<usize>group << 5);
    // One row streams the weights, two groups at a time where the type leaves room for four sums.
    const pair = isPlain(type) && rows == 1 && group + 1 < end;
    if (pair) plainPair(type, w, groupBytes, x, width, target);
    else if (isPlain(type)) plainRows(type, w, x, xStride, width, rows, target, yStride);
    else quantizedRows(type, mode, w, x, width >> 5, rows, target, yStride, scratch);
    group += pair ? 2 : 1;
    w += pair ? groupBytes << 1 : groupBytes;
  }
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
  for (let row = grouped; row < rows; row++) linearRow(mode, type, w, x + rowBytes * row, blocks, y + yStride * row);
}

function plainPair(type: PackedType, w: usize, groupBytes: usize, x: usize, width: i32, y: usize): void {
  if (type == PackedType.F16) plainTile16(PackedType.F16, w, groupBytes, x, width, y);
  else if (type == PackedType.BF16) plainTile16(PackedType.BF16, w, groupBytes, x, width, y);
  else plainTile16(PackedType.F32, w, groupBytes, x, width, y);
}

/** Inputs whose f32 weights, 16 KiB, stay in the first-level cache while all rows pass. */
const CACHED_INPUTS: i32 = 512;

function plainRows(
  type: PackedType,
  w: usize,
  x: usize,
  xStride: usize,
  width: i32,
  rows: i32,
  y: usize,
  yStride: usize,
): void {
  for (let k = 0; k < width; k += CACHED_INPUTS) {
    const inputs = min(CACHED_INPUTS, width - k);
    plainRange(type, k == 0, w, x, xStride, inputs, rows, y, yStride);
    w += plainBytes(type) * inputs;
    x += <usize>inputs << 2;
  }
}

function plainRange(
  type: PackedType,
  first: bool,
  w: usize,
  x: usize,
  xStride: usize,
  width: i32,
  rows: i32,
  y: usize,
  yStride: usize,
): void {
  let row = 0;
  for (; row + 3 < rows; row += 4) {
    if (type == PackedType.F16) plainTile4(PackedType.F16, first, w, x, xStride, width, y, yStride);
    else if (type == PackedType.BF16) plainTile4(PackedType.BF16, first, w, x, xStride, width, y, yStride);
    else plainTile4(PackedType.F32, first, w, x, xStride, width, y, yStride);
    x += xStride << 2;
    y += yStride << 2;
  }
  for (; row < rows; row++) {
    if (type == PackedType.F16) plainTile1(PackedType.F16, first, w, x, width, y);
    else if (type == PackedType.BF16) plainTile1(PackedType.BF16, first, w, x, width, y);
    else plainTile1(PackedType.F32, first, w, x, width, y);
    x += xStride;
    y += yStride;
  }
}
