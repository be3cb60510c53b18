/**
 * Products of many rows: a range of inputs of 8 output features is unpacked once (linear-unpack.ts), then multiplied with
 * all rows, eight and finally four at a time (linear-tile.ts). Results are kept by columns until the last range is done.
 * Every choice of type, mode and kind is a function of its own; see linear-row.ts.
 */
import { Activations } from "../activations";
import { Dot } from "../dot";
import { LinearScratch, PackedType } from "../opcodes";
import { headerBytes, planeBytes, span } from "../packed";
import { maddTile, pairTile, singleTile } from "./linear-tiles";
import { unpack } from "./linear-unpacks";
import { codeOffset, kindOf, modeOf, RANGE_BLOCKS, TileWork, upperFeatures } from "./unpacked";

/**
 * @param rows a multiple of 4, as are the rows that y has room for
 * @param scratch the share's; see LinearScratch
 */
export function linearRows(
  mode: Dot,
  type: PackedType,
  w: usize,
  x: usize,
  blocks: i32,
  rows: i32,
  y: usize,
  yStride: usize,
  scratch: usize,
): void {
  const typeMode = modeOf(type, mode);
  const work = scratch + LinearScratch.WeightBytes;
  const results = work + LinearScratch.TileBytes;
  v128.store(work, i32x4.splat(-codeOffset(type, typeMode)), TileWork.Bias);
  memory.fill(results, 0, <usize>((rows + 7) & ~7) * LinearScratch.RowBytes);
  for (let b = 0; b < blocks; b += RANGE_BLOCKS) {
    const range = min(RANGE_BLOCKS, blocks - b);
    unpack(typeMode, type, w, range, scratch);
    w += rangeBytes(type);
    const first = x + <usize>b * Activations.GroupBytes;
    if (typeMode == Dot.Madd) rangeMadd(type, scratch, first, blocks, range, rows, results);
    else rangeTiles(typeMode, type, scratch, first, blocks, range, rows, results);
  }
  storeResults(typeMode, rows, y, yStride, results);
}

/** Adds a range's products to the results: of 8 rows those of four features, then of the other four; see `tile`. */
function rangeTiles(
  mode: Dot,
  type: PackedType,
  scratch: usize,
  x: usize,
  blocks: i32,
  range: i32,
  rows: i32,
  results: usize,
): void {
  const kind = kindOf(type);
  const work = scratch + LinearScratch.WeightBytes;
  const groupBytes = <usize>blocks * Activations.GroupBytes;
  let row = 0;
  for (; row + 4 < rows; row += 8) {
    pairTile(mode, kind, scratch, x, x + groupBytes, range, results, work);
    pairTile(mode, kind, scratch + upperFeatures(kind), x, x + groupBytes, range, results + 128, work);
    x += groupBytes << 1;
    results += 8 * LinearScratch.RowBytes;
  }
  if (row < rows) singleTile(mode, kind, scratch, x, range, results, work);
}

/** The same, four rows at a time. */
function rangeMadd(
  type: PackedType,
  scratch: usize,
  x: usize,
  blocks: i32,
  range: i32,
  rows: i32,
  results: usize,
): void {
  const kind = kindOf(type);
  for (let row = 0; row < rows; row += 4) {
    const c = results + <usize>(row & ~7) * LinearScratch.RowBytes + (<usize>(row & 4) << 2);
    maddTile(kind, scratch, x, range, c);
    maddTile(kind, scratch + upperFeatures(kind), x, range, c + 128);
    x += <usize>blocks * Activations.GroupBytes;
  }
}

function storeResults(mode: Dot, rows: i32, y: usize, yStride: usize, results: usize): void {
  let row = 0;
  for (; row + 4 < rows; row += 8) {
    storeRows(results, results + 128, y, yStride);
    storeRows(results + 16, results + 144, y + (yStride << 2), yStride);
    y += yStride << 3;
    results += 8 * LinearScratch.RowBytes;
  }
  if (row < rows) storeRows(results, results + (mode == Dot.Madd ? 128 : 16), y, yStride);
}

/** Four rows of y from the columns of the lower and the upper four features, 32 bytes apart. */
@inline
function storeRows(lower: usize, upper: usize, y: usize, yStride: usize): void {
  storeColumns(lower, y, yStride);
  storeColumns(upper, y + 16, yStride);
}

@inline
function storeColumns(column: usize, y: usize, yStride: usize): void {
  const a = v128.load(column);
  const b = v128.load(column, 32);
  const c = v128.load(column, 64);
  const d = v128.load(column, 96);
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  v128.store(y, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(y + yStride, v128.shuffle<i64>(ab, cd, 1, 3));
  const ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  y += yStride << 1;
  v128.store(y, v128.shuffle<i64>(ab2, cd2, 0, 2));
  v128.store(y + yStride, v128.shuffle<i64>(ab2, cd2, 1, 3));
}

/** Bytes of the packed weights of a range. */
@inline
function rangeBytes(type: PackedType): usize {
  return <usize>RANGE_BLOCKS * planeBytes(type) + <usize>(RANGE_BLOCKS / span(type)) * headerBytes(type);
}
