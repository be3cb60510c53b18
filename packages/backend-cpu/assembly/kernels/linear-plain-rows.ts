/**
 * Chooses the code of linear-plain.ts, each choice a function of its own (see linear-row.ts). For four rows and more a
 * range of weights is made f32 first, and stays in the first-level cache while all rows pass.
 */
import { PackedType } from "../opcodes";
import { plainBytes, plainPair, plainRow, plainTile4, widen } from "./linear-plain";

/** Inputs in a range: 16 KiB of f32 weights, for which LinearScratch.WeightBytes has room. */
const RANGE_INPUTS: i32 = 512;

/** 16 output features by one row; the groups of 8 are `groupBytes` apart. */
export function plainPairOf(type: PackedType, w: usize, groupBytes: usize, x: usize, width: i32, y: usize): void {
  if (type == PackedType.F16) pairF16(w, groupBytes, x, width, y);
  else if (type == PackedType.BF16) pairBF16(w, groupBytes, x, width, y);
  else pairF32(w, groupBytes, x, width, y);
}

/** 8 output features by all rows. @param scratch the share's; see LinearScratch */
export function plainRows(
  type: PackedType,
  w: usize,
  x: usize,
  xStride: usize,
  width: i32,
  rows: i32,
  y: usize,
  yStride: usize,
  scratch: usize,
): void {
  const fours = rows & ~3;
  for (let k = 0; k < width && fours > 0; k += RANGE_INPUTS) {
    const inputs = min(RANGE_INPUTS, width - k);
    const range = w + plainBytes(type) * k;
    if (type == PackedType.F16) widenF16(range, inputs, scratch);
    else if (type == PackedType.BF16) widenBF16(range, inputs, scratch);
    const wide = type == PackedType.F32 ? range : scratch;
    const source = x + (<usize>k << 2);
    for (let row = 0; row < fours; row += 4) {
      plainTile4(k == 0, wide, source + xStride * row, xStride, inputs, y + yStride * row, yStride);
    }
  }
  for (let row = fours; row < rows; row++) {
    const source = x + xStride * row;
    const target = y + yStride * row;
    if (type == PackedType.F16) rowF16(w, source, width, target);
    else if (type == PackedType.BF16) rowBF16(w, source, width, target);
    else rowF32(w, source, width, target);
  }
}

function pairF16(w: usize, groupBytes: usize, x: usize, width: i32, y: usize): void {
  plainPair(PackedType.F16, w, groupBytes, x, width, y);
}

function rowF16(w: usize, x: usize, width: i32, y: usize): void {
  plainRow(PackedType.F16, w, x, width, y);
}

function pairBF16(w: usize, groupBytes: usize, x: usize, width: i32, y: usize): void {
  plainPair(PackedType.BF16, w, groupBytes, x, width, y);
}

function rowBF16(w: usize, x: usize, width: i32, y: usize): void {
  plainRow(PackedType.BF16, w, x, width, y);
}

function pairF32(w: usize, groupBytes: usize, x: usize, width: i32, y: usize): void {
  plainPair(PackedType.F32, w, groupBytes, x, width, y);
}

function rowF32(w: usize, x: usize, width: i32, y: usize): void {
  plainRow(PackedType.F32, w, x, width, y);
}

function widenF16(w: usize, inputs: i32, target: usize): void {
  widen(PackedType.F16, w, inputs, target);
}

function widenBF16(w: usize, inputs: i32, target: usize): void {
  widen(PackedType.BF16, w, inputs, target);
}
