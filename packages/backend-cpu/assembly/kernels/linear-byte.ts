/**
 * Matrix products of 8-bit weights, 8 output features by 1 or 4 rows of quantized activations; see linear-nibble.ts for
 * the order of summation.
 *
 * Packed block: 8 f16 scales, then eight vectors of 32 bytes: 32-bit lane r of vector j holds row r's inputs 4j..4j+3
 * as signed bytes.
 */
import { Activations } from "../activations";
import { Constant, constant, halfHigh, halfLow } from "../constants";
import { activation, bytes, Dot, dotByteHigh, dotByteLow, firstByteSum, sumBytes } from "../dot";

@inline
function add(acc: v128, scale: v128, xScale: v128, dot: v128): v128 {
  return f32x4.add(acc, f32x4.mul(f32x4.mul(scale, xScale), f32x4.convert_i32x4_s(dot)));
}

@inline
export function byteTile1(mode: Dot, w: usize, x: usize, blocks: i32, y: usize): void {
  const signs = constant(Constant.SignBits);
  const halfMask = constant(Constant.HalfMask);
  const halfScale = constant(Constant.HalfScale);
  let y0 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    const scales = v128.load(w);
    w += 16;
    let a0 = firstByteSum(mode, v128.load32_splat(x, Activations.SingleStatistics + 4));
    let b0 = a0;
    let a1 = i32x4.splat(0);
    let b1 = a1;
    for (let j = 0; j < 4; j++) {
      let v = activation(mode, x);
      let wa = bytes(mode, v128.load(w), signs);
      let wb = bytes(mode, v128.load(w, 16), signs);
      a0 = dotByteLow(mode, a0, v, wa);
      a1 = dotByteHigh(mode, a1, v, wa);
      b0 = dotByteLow(mode, b0, v, wb);
      b1 = dotByteHigh(mode, b1, v, wb);
      v = activation(mode, x + 4);
      wa = bytes(mode, v128.load(w, 32), signs);
      wb = bytes(mode, v128.load(w, 48), signs);
      a0 = dotByteLow(mode, a0, v, wa);
      a1 = dotByteHigh(mode, a1, v, wa);
      b0 = dotByteLow(mode, b0, v, wb);
      b1 = dotByteHigh(mode, b1, v, wb);
      w += 64;
      x += 8;
    }
    const xScale = v128.load32_splat(x);
    y0 = add(y0, halfLow(scales, halfMask, halfScale), xScale, sumBytes(mode, a0, a1));
    y1 = add(y1, halfHigh(scales, halfMask, halfScale), xScale, sumBytes(mode, b0, b1));
    x += Activations.BlockBytes - 32;
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
}

/** Four rows; `c` is 128 bytes of the thread's scratch for the sums, which do not fit into registers. */
@inline
export function byteTile4(mode: Dot, w: usize, x: usize, blocks: i32, y: usize, yStride: usize, c: usize): void {
  const signs = constant(Constant.SignBits);
  for (let i: usize = 0; i < 128; i += 16) v128.store(c + i, f32x4.splat(0));
  for (let b = 0; b < blocks; b++) {
    const scales = v128.load(w);
    w += 16;
    let statistics = x + Activations.GroupStatistics;
    let a0 = firstByteSum(mode, v128.load32_splat(statistics, 4));
    let a1 = firstByteSum(mode, v128.load32_splat(statistics, 20));
    let a2 = firstByteSum(mode, v128.load32_splat(statistics, 36));
    let a3 = firstByteSum(mode, v128.load32_splat(statistics, 52));
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
    for (let j = 0; j < 8; j++) {
      const wa = bytes(mode, v128.load(w), signs);
      const wb = bytes(mode, v128.load(w, 16), signs);
      let v = activation(mode, x);
      a0 = dotByteLow(mode, a0, v, wa);
      ah0 = dotByteHigh(mode, ah0, v, wa);
      b0 = dotByteLow(mode, b0, v, wb);
      bh0 = dotByteHigh(mode, bh0, v, wb);
      v = activation(mode, x + 32);
      a1 = dotByteLow(mode, a1, v, wa);
      ah1 = dotByteHigh(mode, ah1, v, wa);
      b1 = dotByteLow(mode, b1, v, wb);
      bh1 = dotByteHigh(mode, bh1, v, wb);
      v = activation(mode, x + 64);
      a2 = dotByteLow(mode, a2, v, wa);
      ah2 = dotByteHigh(mode, ah2, v, wa);
      b2 = dotByteLow(mode, b2, v, wb);
      bh2 = dotByteHigh(mode, bh2, v, wb);
      v = activation(mode, x + 96);
      a3 = dotByteLow(mode, a3, v, wa);
      ah3 = dotByteHigh(mode, ah3, v, wa);
      b3 = dotByteLow(mode, b3, v, wb);
      bh3 = dotByteHigh(mode, bh3, v, wb);
      w += 32;
      x += 4;
    }
    const halfMask = constant(Constant.HalfMask);
    const halfScale = constant(Constant.HalfScale);
    statistics = x + 96;
    const s0 = halfLow(scales, halfMask, halfScale);
    const s1 = halfHigh(scales, halfMask, halfScale);
    accumulate(c, s0, s1, sumBytes(mode, a0, ah0), sumBytes(mode, b0, bh0), statistics);
    accumulate(c + 32, s0, s1, sumBytes(mode, a1, ah1), sumBytes(mode, b1, bh1), statistics + 16);
    accumulate(c + 64, s0, s1, sumBytes(mode, a2, ah2), sumBytes(mode, b2, bh2), statistics + 32);
    accumulate(c + 96, s0, s1, sumBytes(mode, a3, ah3), sumBytes(mode, b3, bh3), statistics + 48);
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
function accumulate(c: usize, s0: v128, s1: v128, a: v128, b: v128, statistics: usize): void {
  const xScale = v128.load32_splat(statistics);
  const c0 = v128.load(c);
  const c1 = v128.load(c, 16);
  v128.store(c, add(c0, s0, xScale, a));
  v128.store(c, add(c1, s1, xScale, b), 16);
}
