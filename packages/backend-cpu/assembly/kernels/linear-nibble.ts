/**
 * Products of one row of quantized activations with 4-bit weights, 8 output features. Per block of 32 inputs the integer
 * dot product is exact; blocks are added in order with one expression, the same as in linear-tile.ts.
 *
 * Packed block (see DESIGN section 3): 8 f16 scales, for affine types 8 f16 minimums, then four vectors of 32 bytes:
 * 32-bit lane r of vector j holds row r's inputs 8j..8j+3 in low and 8j+4..8j+7 in high nibbles.
 */
import { Activations } from "../activations";
import { Constant, constant, halfHigh, halfLow } from "../constants";
import { activation, Dot, dotNibbleHigh, dotNibbleLow, firstSum, sumNibbles } from "../dot";

/** acc + scale * xScale * dot. Q4_0 is scale * (q - 8): the dot starts from -8 times the sum of the activations. */
@inline
function symmetric(acc: v128, scale: v128, xScale: v128, dot: v128): v128 {
  return f32x4.add(acc, f32x4.mul(f32x4.mul(scale, xScale), f32x4.convert_i32x4_s(dot)));
}

/** Q4_1: weight = scale * q + minimum. */
@inline
function affine(acc: v128, scale: v128, xScale: v128, dot: v128, minimum: v128, xSum: v128): v128 {
  const product = f32x4.mul(f32x4.mul(scale, xScale), f32x4.convert_i32x4_s(dot));
  return f32x4.add(acc, f32x4.add(product, f32x4.mul(minimum, xSum)));
}

/** What the integer sums start from: -8 * sum for Q4_0. */
@inline
function bias(isAffine: bool, statistics: usize): v128 {
  return isAffine ? i32x4.splat(0) : v128.load32_splat(statistics, 4);
}

@inline
export function nibbleRow(mode: Dot, isAffine: bool, w: usize, x: usize, blocks: i32, y: usize): void {
  const mask = constant(Constant.NibbleMask);
  const halfMask = constant(Constant.HalfMask);
  const halfScale = constant(Constant.HalfScale);
  let y0 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    const start = bias(isAffine, x + Activations.SingleStatistics);
    let a0 = firstSum(mode, start);
    let a1 = i32x4.splat(0);
    let b0 = a0;
    let b1 = a1;
    const scales = v128.load(w);
    const minimums = v128.load(w, 16);
    w += isAffine ? 32 : 16;
    // Unrolled by two vectors: with four, V8 hoists the loads until registers spill.
    for (let j = 0; j < 2; j++) {
      let xl = activation(mode, x);
      let xh = activation(mode, x + 4);
      let q = v128.load(w);
      let l = v128.and(q, mask);
      let h = v128.and(i16x8.shr_u(q, 4), mask);
      a0 = dotNibbleLow(mode, dotNibbleLow(mode, a0, xl, l), xh, h);
      a1 = dotNibbleHigh(mode, dotNibbleHigh(mode, a1, xl, l), xh, h);
      q = v128.load(w, 16);
      l = v128.and(q, mask);
      h = v128.and(i16x8.shr_u(q, 4), mask);
      b0 = dotNibbleLow(mode, dotNibbleLow(mode, b0, xl, l), xh, h);
      b1 = dotNibbleHigh(mode, dotNibbleHigh(mode, b1, xl, l), xh, h);
      xl = activation(mode, x + 8);
      xh = activation(mode, x + 12);
      q = v128.load(w, 32);
      l = v128.and(q, mask);
      h = v128.and(i16x8.shr_u(q, 4), mask);
      a0 = dotNibbleLow(mode, dotNibbleLow(mode, a0, xl, l), xh, h);
      a1 = dotNibbleHigh(mode, dotNibbleHigh(mode, a1, xl, l), xh, h);
      q = v128.load(w, 48);
      l = v128.and(q, mask);
      h = v128.and(i16x8.shr_u(q, 4), mask);
      b0 = dotNibbleLow(mode, dotNibbleLow(mode, b0, xl, l), xh, h);
      b1 = dotNibbleHigh(mode, dotNibbleHigh(mode, b1, xl, l), xh, h);
      w += 64;
      x += 16;
    }
    a0 = sumNibbles(mode, a0, a1, start);
    b0 = sumNibbles(mode, b0, b1, start);
    const xScale = v128.load32_splat(x);
    const s0 = halfLow(scales, halfMask, halfScale);
    const s1 = halfHigh(scales, halfMask, halfScale);
    if (isAffine) {
      const xSum = v128.load32_splat(x, 8);
      y0 = affine(y0, s0, xScale, a0, halfLow(minimums, halfMask, halfScale), xSum);
      y1 = affine(y1, s1, xScale, b0, halfHigh(minimums, halfMask, halfScale), xSum);
    } else {
      y0 = symmetric(y0, s0, xScale, a0);
      y1 = symmetric(y1, s1, xScale, b0);
    }
    x += Activations.BlockBytes - 32;
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
}

/** Two rows at once, of which the second lies after the first: weights are unpacked once. */
@inline
export function nibblePair(mode: Dot, isAffine: bool, w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  const mask = constant(Constant.NibbleMask);
  const halfMask = constant(Constant.HalfMask);
  const halfScale = constant(Constant.HalfScale);
  const next = <usize>blocks * Activations.BlockBytes;
  let y0 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  let z0 = f32x4.splat(0);
  let z1 = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    const start = bias(isAffine, x + Activations.SingleStatistics);
    const startNext = bias(isAffine, x + next + Activations.SingleStatistics);
    let a0 = firstSum(mode, start);
    let a1 = i32x4.splat(0);
    let b0 = a0;
    let b1 = a1;
    let c0 = firstSum(mode, startNext);
    let c1 = a1;
    let d0 = c0;
    let d1 = a1;
    const scales = v128.load(w);
    const minimums = v128.load(w, 16);
    w += isAffine ? 32 : 16;
    for (let j = 0; j < 4; j++) {
      const xl = activation(mode, x);
      const xh = activation(mode, x + 4);
      const zl = activation(mode, x + next);
      const zh = activation(mode, x + next + 4);
      let q = v128.load(w);
      let l = v128.and(q, mask);
      let h = v128.and(i16x8.shr_u(q, 4), mask);
      a0 = dotNibbleLow(mode, dotNibbleLow(mode, a0, xl, l), xh, h);
      a1 = dotNibbleHigh(mode, dotNibbleHigh(mode, a1, xl, l), xh, h);
      c0 = dotNibbleLow(mode, dotNibbleLow(mode, c0, zl, l), zh, h);
      c1 = dotNibbleHigh(mode, dotNibbleHigh(mode, c1, zl, l), zh, h);
      q = v128.load(w, 16);
      l = v128.and(q, mask);
      h = v128.and(i16x8.shr_u(q, 4), mask);
      b0 = dotNibbleLow(mode, dotNibbleLow(mode, b0, xl, l), xh, h);
      b1 = dotNibbleHigh(mode, dotNibbleHigh(mode, b1, xl, l), xh, h);
      d0 = dotNibbleLow(mode, dotNibbleLow(mode, d0, zl, l), zh, h);
      d1 = dotNibbleHigh(mode, dotNibbleHigh(mode, d1, zl, l), zh, h);
      w += 32;
      x += 8;
    }
    a0 = sumNibbles(mode, a0, a1, start);
    b0 = sumNibbles(mode, b0, b1, start);
    c0 = sumNibbles(mode, c0, c1, startNext);
    d0 = sumNibbles(mode, d0, d1, startNext);
    const xScale = v128.load32_splat(x);
    const zScale = v128.load32_splat(x + next);
    const s0 = halfLow(scales, halfMask, halfScale);
    const s1 = halfHigh(scales, halfMask, halfScale);
    if (isAffine) {
      const xSum = v128.load32_splat(x, 8);
      const zSum = v128.load32_splat(x + next, 8);
      const m0 = halfLow(minimums, halfMask, halfScale);
      const m1 = halfHigh(minimums, halfMask, halfScale);
      y0 = affine(y0, s0, xScale, a0, m0, xSum);
      y1 = affine(y1, s1, xScale, b0, m1, xSum);
      z0 = affine(z0, s0, zScale, c0, m0, zSum);
      z1 = affine(z1, s1, zScale, d0, m1, zSum);
    } else {
      y0 = symmetric(y0, s0, xScale, a0);
      y1 = symmetric(y1, s1, xScale, b0);
      z0 = symmetric(z0, s0, zScale, c0);
      z1 = symmetric(z1, s1, zScale, d0);
    }
    x += Activations.BlockBytes - 32;
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
  v128.store(y + yStride, z0);
  v128.store(y + yStride, z1, 16);
}
