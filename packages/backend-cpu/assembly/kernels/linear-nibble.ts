/**
 * Matrix products of 4-bit weights, 8 output features by 1 or 4 rows of quantized activations. Per block of 32 inputs
 * the integer dot product is exact; blocks are added in order with one expression, the same for 1 row and for 4.
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
export function nibbleTile1(mode: Dot, isAffine: bool, w: usize, x: usize, blocks: i32, y: usize): void {
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

/** Four rows; `c` is 128 bytes of the thread's scratch for the sums, which do not fit into registers. */
@inline
export function nibbleTile4(
  mode: Dot,
  isAffine: bool,
  w: usize,
  x: usize,
  blocks: i32,
  y: usize,
  yStride: usize,
  c: usize,
): void {
  const mask = constant(Constant.NibbleMask);
  for (let i: usize = 0; i < 128; i += 16) v128.store(c + i, f32x4.splat(0));
  for (let b = 0; b < blocks; b++) {
    const scales = v128.load(w);
    const minimums = v128.load(w, 16);
    w += isAffine ? 32 : 16;
    let statistics = x + Activations.GroupStatistics;
    let a0 = firstSum(mode, bias(isAffine, statistics));
    let a1 = firstSum(mode, bias(isAffine, statistics + 16));
    let a2 = firstSum(mode, bias(isAffine, statistics + 32));
    let a3 = firstSum(mode, bias(isAffine, statistics + 48));
    let b0 = a0;
    let b1 = a1;
    let b2 = a2;
    let b3 = a3;
    let ah0 = i32x4.splat(0);
    let ah1 = i32x4.splat(0);
    let ah2 = i32x4.splat(0);
    let ah3 = i32x4.splat(0);
    let bh0 = i32x4.splat(0);
    let bh1 = i32x4.splat(0);
    let bh2 = i32x4.splat(0);
    let bh3 = i32x4.splat(0);
    for (let j = 0; j < 4; j++) {
      const qa = v128.load(w);
      const qb = v128.load(w, 16);
      let wa = v128.and(qa, mask);
      let wb = v128.and(qb, mask);
      let v = activation(mode, x);
      a0 = dotNibbleLow(mode, a0, v, wa);
      ah0 = dotNibbleHigh(mode, ah0, v, wa);
      b0 = dotNibbleLow(mode, b0, v, wb);
      bh0 = dotNibbleHigh(mode, bh0, v, wb);
      v = activation(mode, x + 32);
      a1 = dotNibbleLow(mode, a1, v, wa);
      ah1 = dotNibbleHigh(mode, ah1, v, wa);
      b1 = dotNibbleLow(mode, b1, v, wb);
      bh1 = dotNibbleHigh(mode, bh1, v, wb);
      v = activation(mode, x + 64);
      a2 = dotNibbleLow(mode, a2, v, wa);
      ah2 = dotNibbleHigh(mode, ah2, v, wa);
      b2 = dotNibbleLow(mode, b2, v, wb);
      bh2 = dotNibbleHigh(mode, bh2, v, wb);
      v = activation(mode, x + 96);
      a3 = dotNibbleLow(mode, a3, v, wa);
      ah3 = dotNibbleHigh(mode, ah3, v, wa);
      b3 = dotNibbleLow(mode, b3, v, wb);
      bh3 = dotNibbleHigh(mode, bh3, v, wb);
      wa = v128.and(i16x8.shr_u(qa, 4), mask);
      wb = v128.and(i16x8.shr_u(qb, 4), mask);
      v = activation(mode, x + 4);
      a0 = dotNibbleLow(mode, a0, v, wa);
      ah0 = dotNibbleHigh(mode, ah0, v, wa);
      b0 = dotNibbleLow(mode, b0, v, wb);
      bh0 = dotNibbleHigh(mode, bh0, v, wb);
      v = activation(mode, x + 36);
      a1 = dotNibbleLow(mode, a1, v, wa);
      ah1 = dotNibbleHigh(mode, ah1, v, wa);
      b1 = dotNibbleLow(mode, b1, v, wb);
      bh1 = dotNibbleHigh(mode, bh1, v, wb);
      v = activation(mode, x + 68);
      a2 = dotNibbleLow(mode, a2, v, wa);
      ah2 = dotNibbleHigh(mode, ah2, v, wa);
      b2 = dotNibbleLow(mode, b2, v, wb);
      bh2 = dotNibbleHigh(mode, bh2, v, wb);
      v = activation(mode, x + 100);
      a3 = dotNibbleLow(mode, a3, v, wa);
      ah3 = dotNibbleHigh(mode, ah3, v, wa);
      b3 = dotNibbleLow(mode, b3, v, wb);
      bh3 = dotNibbleHigh(mode, bh3, v, wb);
      w += 32;
      x += 8;
    }
    const halfMask = constant(Constant.HalfMask);
    const halfScale = constant(Constant.HalfScale);
    // Read again: kept from before the loop, V8 would spill it.
    statistics = x + 96;
    const s0 = halfLow(scales, halfMask, halfScale);
    const s1 = halfHigh(scales, halfMask, halfScale);
    const m0 = isAffine ? halfLow(minimums, halfMask, halfScale) : s0;
    const m1 = isAffine ? halfHigh(minimums, halfMask, halfScale) : s1;
    accumulate(mode, isAffine, c, s0, s1, m0, m1, a0, ah0, b0, bh0, statistics);
    accumulate(mode, isAffine, c + 32, s0, s1, m0, m1, a1, ah1, b1, bh1, statistics + 16);
    accumulate(mode, isAffine, c + 64, s0, s1, m0, m1, a2, ah2, b2, bh2, statistics + 32);
    accumulate(mode, isAffine, c + 96, s0, s1, m0, m1, a3, ah3, b3, bh3, statistics + 48);
    x += Activations.GroupBytes - 32;
  }
  for (let row = 0; row < 4; row++) {
    v128.store(y, v128.load(c));
    v128.store(y, v128.load(c, 16), 16);
    y += yStride;
    c += 32;
  }
}

/** Adds a block's products of one row to its 8 sums at `c`. */
@inline
function accumulate(
  mode: Dot,
  isAffine: bool,
  c: usize,
  s0: v128,
  s1: v128,
  m0: v128,
  m1: v128,
  a: v128,
  ah: v128,
  b: v128,
  bh: v128,
  statistics: usize,
): void {
  const xScale = v128.load32_splat(statistics);
  const start = bias(isAffine, statistics);
  const c0 = v128.load(c);
  const c1 = v128.load(c, 16);
  a = sumNibbles(mode, a, ah, start);
  b = sumNibbles(mode, b, bh, start);
  if (isAffine) {
    const xSum = v128.load32_splat(statistics, 8);
    v128.store(c, affine(c0, s0, xScale, a, m0, xSum));
    v128.store(c, affine(c1, s1, xScale, b, m1, xSum), 16);
  } else {
    v128.store(c, symmetric(c0, s0, xScale, a));
    v128.store(c, symmetric(c1, s1, xScale, b), 16);
  }
}
