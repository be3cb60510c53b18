/**
 * Products of one row of quantized activations with 8-bit weights, 8 output features; see linear-nibble.ts for the order
 * of summation.
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
export function byteRow(mode: Dot, w: usize, x: usize, blocks: i32, y: usize): void {
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

/** Two rows at once, of which the second lies after the first. */
@inline
export function bytePair(mode: Dot, w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  const signs = constant(Constant.SignBits);
  const halfMask = constant(Constant.HalfMask);
  const halfScale = constant(Constant.HalfScale);
  const next = <usize>blocks * Activations.BlockBytes;
  let y0 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  let z0 = f32x4.splat(0);
  let z1 = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    const scales = v128.load(w);
    w += 16;
    let a0 = firstByteSum(mode, v128.load32_splat(x, Activations.SingleStatistics + 4));
    let b0 = a0;
    let c0 = firstByteSum(mode, v128.load32_splat(x + next, Activations.SingleStatistics + 4));
    let d0 = c0;
    let a1 = i32x4.splat(0);
    let b1 = a1;
    let c1 = a1;
    let d1 = a1;
    for (let j = 0; j < 8; j++) {
      const v = activation(mode, x);
      const u = activation(mode, x + next);
      const wa = bytes(mode, v128.load(w), signs);
      const wb = bytes(mode, v128.load(w, 16), signs);
      a0 = dotByteLow(mode, a0, v, wa);
      a1 = dotByteHigh(mode, a1, v, wa);
      b0 = dotByteLow(mode, b0, v, wb);
      b1 = dotByteHigh(mode, b1, v, wb);
      c0 = dotByteLow(mode, c0, u, wa);
      c1 = dotByteHigh(mode, c1, u, wa);
      d0 = dotByteLow(mode, d0, u, wb);
      d1 = dotByteHigh(mode, d1, u, wb);
      w += 32;
      x += 4;
    }
    const s0 = halfLow(scales, halfMask, halfScale);
    const s1 = halfHigh(scales, halfMask, halfScale);
    const xScale = v128.load32_splat(x);
    const zScale = v128.load32_splat(x + next);
    y0 = add(y0, s0, xScale, sumBytes(mode, a0, a1));
    y1 = add(y1, s1, xScale, sumBytes(mode, b0, b1));
    z0 = add(z0, s0, zScale, sumBytes(mode, c0, c1));
    z1 = add(z1, s1, zScale, sumBytes(mode, d0, d1));
    x += Activations.BlockBytes - 32;
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
  v128.store(y + yStride, z0);
  v128.store(y + yStride, z1, 16);
}
