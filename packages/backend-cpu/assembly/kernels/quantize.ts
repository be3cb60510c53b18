/**
 * quantize: rows of f32 to int8 in blocks of 32 with one scale, round to nearest even. The layout is in activations.ts.
 */
import { Activations, groupedRows } from "../activations";
import { address, count, word } from "../address";
import { QuantizeOperand as Operand, Sharing } from "../opcodes";
import { privateIndex, rowEnd, rowStart } from "../partition";
import { ROUNDER } from "../constants";

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
    const source = x + xStride * row;
    if (row >= grouped) quantizeRow(source, blocks, y + <usize>(row * blocks) * Activations.BlockBytes);
    else {
      const group = y + <usize>((row >> 2) * blocks) * Activations.GroupBytes + ((row & 3) << 2);
      if (row < rows) quantizeRowOfGroup(source, blocks, group);
      else clearRowOfGroup(blocks, group);
    }
  }
}

function quantizeRow(x: usize, blocks: i32, target: usize): void {
  for (let b = 0; b < blocks; b++) {
    quantizeBlock(false, x, target);
    x += 128;
    target += Activations.BlockBytes;
  }
}

/** `target` is where the group begins, plus 4 bytes per row before this one. */
function quantizeRowOfGroup(x: usize, blocks: i32, target: usize): void {
  for (let b = 0; b < blocks; b++) {
    quantizeBlock(true, x, target);
    x += 128;
    target += Activations.GroupBytes;
  }
}

@inline
function quantizeBlock(ofGroup: bool, x: usize, target: usize): void {
  const largest = largestMagnitude(x);
  const inverse = f32x4.splat(largest == 0 ? 0 : 127 / largest);
  const a = narrow(x, inverse);
  const b = narrow(x + 32, inverse);
  const c = narrow(x + 64, inverse);
  const d = narrow(x + 96, inverse);
  const low = i8x16.narrow_i16x8_s(a, b);
  const high = i8x16.narrow_i16x8_s(c, d);
  const halves = i32x4.extadd_pairwise_i16x8_s(i16x8.add(a, b));
  const first = sumLanes(halves);
  const sum = sumLanes(i32x4.add(halves, i32x4.extadd_pairwise_i16x8_s(i16x8.add(c, d))));
  const scale: f32 = largest / 127;
  if (ofGroup) {
    storeWords(low, target);
    storeWords(high, target + 64);
    store<f32>(target, scale, 128);
    store<i32>(target, sum, 144);
    store<f32>(target, scale * <f32>sum, 160);
    store<i32>(target, first, 176);
  } else {
    v128.store(target, low);
    v128.store(target, high, 16);
    store<f32>(target, scale, 32);
    store<i32>(target, -8 * sum, 36);
    store<f32>(target, scale * <f32>sum, 40);
    store<i32>(target, -8 * first, 44);
  }
}

/** The words of `v` to one row of four vectors. */
@inline
function storeWords(v: v128, target: usize): void {
  v128.store32_lane(target, v, 0);
  v128.store32_lane(target, v, 1, 16);
  v128.store32_lane(target, v, 2, 32);
  v128.store32_lane(target, v, 3, 48);
}

/** Of 32 values. */
@inline
export function largestMagnitude(x: usize): f32 {
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
function clearRowOfGroup(blocks: i32, target: usize): void {
  for (let i = 0; i < blocks * (Activations.GroupBytes >> 4); i++) {
    store<i32>(target, 0);
    target += 16;
  }
}
