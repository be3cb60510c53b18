/**
 * quantize: rows of f32 to int8 in blocks of 32 with one scale, round to nearest even. The layout is in activations.ts.
 */
import { Activations, groupedRows } from "../activations";
import { address, count, word } from "../address";
import { QuantizeOperand as Operand, Sharing } from "../opcodes";
import { privateIndex, rowEnd, rowStart } from "../partition";
import { ROUNDER } from "./exp";

export function quantize(step: usize, thread: i32, threads: i32): void {
  const replicated = word(step, Operand.Sharing) == Sharing.Replicated;
  const x = address(step, Operand.X) + address(step, Operand.XPrivate) * privateIndex;
  const xStride = address(step, Operand.XStride);
  const y = address(step, Operand.Y) + address(step, Operand.YPrivate) * privateIndex;
  const blocks = word(step, Operand.Width) >> 5;
  const rows = count(step, Operand.Count);
  const grouped = groupedRows(rows);
  const first = replicated ? 0 : rowStart(rows, thread, threads);
  const all = max(rows, grouped);
  const end = replicated ? all : min(all, rowEnd(rows, thread, threads));
  for (let row = first; row < end; row++) {
    if (row < grouped) {
      const group = y + <usize>((row >> 2) * blocks) * Activations.GroupBytes;
      const values = group + ((row & 3) << 5);
      const statistics = group + Activations.GroupStatistics + ((row & 3) << 4);
      if (row < rows) quantizeRow(x + xStride * row, blocks, values, statistics, Activations.GroupBytes);
      else clearRow(blocks, values, statistics);
    } else {
      const values = y + <usize>(row * blocks) * Activations.BlockBytes;
      quantizeRow(x + xStride * row, blocks, values, values + Activations.SingleStatistics, Activations.BlockBytes);
    }
  }
}

function quantizeRow(x: usize, blocks: i32, values: usize, statistics: usize, stride: usize): void {
  for (let b = 0; b < blocks; b++) {
    quantizeBlock(x, values, statistics);
    x += 128;
    values += stride;
    statistics += stride;
  }
}

@inline
function quantizeBlock(x: usize, values: usize, statistics: usize): void {
  const largest = largestMagnitude(x);
  const inverse = f32x4.splat(largest == 0 ? 0 : 127 / largest);
  const a = narrow(x, inverse);
  const b = narrow(x + 32, inverse);
  const c = narrow(x + 64, inverse);
  const d = narrow(x + 96, inverse);
  v128.store(values, i8x16.narrow_i16x8_s(a, b));
  v128.store(values, i8x16.narrow_i16x8_s(c, d), 16);
  const first = i32x4.extadd_pairwise_i16x8_s(i16x8.add(a, b));
  const sum = sumLanes(i32x4.add(first, i32x4.extadd_pairwise_i16x8_s(i16x8.add(c, d))));
  const scale: f32 = largest / 127;
  store<f32>(statistics, scale);
  store<i32>(statistics, -8 * sum, 4);
  store<f32>(statistics, scale * <f32>sum, 8);
  store<i32>(statistics, -8 * sumLanes(first), 12);
}

@inline
function largestMagnitude(x: usize): f32 {
  const a = f32x4.pmax(f32x4.abs(v128.load(x)), f32x4.abs(v128.load(x, 16)));
  const b = f32x4.pmax(f32x4.abs(v128.load(x, 32)), f32x4.abs(v128.load(x, 48)));
  const c = f32x4.pmax(f32x4.abs(v128.load(x, 64)), f32x4.abs(v128.load(x, 80)));
  const d = f32x4.pmax(f32x4.abs(v128.load(x, 96)), f32x4.abs(v128.load(x, 112)));
  let most = f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d));
  most = f32x4.pmax(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  return f32x4.extract_lane(most, 0);
}

/** Eight values as rounded i16: adding 1.5 * 2^23 leaves the whole number in the low bits. */
@inline
function narrow(x: usize, inverse: v128): v128 {
  const rounder = f32x4.splat(ROUNDER);
  const low = f32x4.add(f32x4.mul(v128.load(x), inverse), rounder);
  const high = f32x4.add(f32x4.mul(v128.load(x, 16), inverse), rounder);
  return i16x8.narrow_i32x4_s(i32x4.sub(low, rounder), i32x4.sub(high, rounder));
}

@inline
function sumLanes(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
  );
}

/** The row of zeros that fills a group of three. */
function clearRow(blocks: i32, values: usize, statistics: usize): void {
  for (let b = 0; b < blocks; b++) {
    v128.store(values, i8x16.splat(0));
    v128.store(values, i8x16.splat(0), 16);
    v128.store(statistics, i8x16.splat(0));
    values += Activations.GroupBytes;
    statistics += Activations.GroupBytes;
  }
}
