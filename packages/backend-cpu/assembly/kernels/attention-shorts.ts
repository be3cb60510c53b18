/**
 * What the products of attention with q8_0 tiles take (attention-byte.ts): a tile's scales as f32, and rows of f32 as i16
 * in units of their largest magnitude / 32767, rounded to nearest; NaN becomes 32767. Rounding returns the row's unit.
 */
import { Constant, constant, halfHigh, halfLow } from "../constants";

/** Below it a row counts as zeros: its inverse would overflow. */
const LEAST: f32 = 7.888609052210118e-31;
const MOST: f32 = 32767;

/** The 32 scales of a tile as f32. */
export function tileScales(tile: usize, y: usize): void {
  const mask = constant(Constant.HalfMask);
  const scale = constant(Constant.HalfScale);
  for (let i: usize = 0; i < 64; i += 16) {
    const halves = v128.load(tile + i);
    v128.store(y + (i << 1), halfLow(halves, mask, scale));
    v128.store(y + (i << 1), halfHigh(halves, mask, scale), 16);
  }
}

/** A row of any numbers. `y` may be `x`. @param columns a multiple of 8 */
export function toShorts(x: usize, columns: i32, y: usize): f32 {
  let most = f32x4.splat(0);
  const end = x + (<usize>columns << 2);
  for (let at = x; at < end; at += 16) most = f32x4.pmax(most, f32x4.abs(v128.load(at)));
  const largest = largestOf(most);
  const inverse = inverseOf(largest);
  const limit = f32x4.splat(MOST);
  const least = f32x4.splat(-MOST);
  const rounder = constant(Constant.Rounder);
  for (let at = x; at < end; at += 32) {
    const a = f32x4.pmax(least, scaled(v128.load(at), inverse, limit));
    const b = f32x4.pmax(least, scaled(v128.load(at, 16), inverse, limit));
    v128.store(y, narrow(a, b, rounder));
    y += 16;
  }
  return unitOf(largest);
}

/**
 * 32 probabilities times the scales of their rows: the bits that `toShorts` of the products gives, but since none of them
 * is negative and there are just 32, with fewer instructions and all in registers.
 */
export function weigh(x: usize, scales: usize, y: usize): f32 {
  const w0 = f32x4.mul(v128.load(x), v128.load(scales));
  const w1 = f32x4.mul(v128.load(x, 16), v128.load(scales, 16));
  const w2 = f32x4.mul(v128.load(x, 32), v128.load(scales, 32));
  const w3 = f32x4.mul(v128.load(x, 48), v128.load(scales, 48));
  const w4 = f32x4.mul(v128.load(x, 64), v128.load(scales, 64));
  const w5 = f32x4.mul(v128.load(x, 80), v128.load(scales, 80));
  const w6 = f32x4.mul(v128.load(x, 96), v128.load(scales, 96));
  const w7 = f32x4.mul(v128.load(x, 112), v128.load(scales, 112));
  // The first operand is never NaN, so that NaN does not count.
  let most = f32x4.pmax(f32x4.pmax(f32x4.splat(0), w0), w1);
  let more = f32x4.pmax(f32x4.pmax(f32x4.splat(0), w2), w3);
  most = f32x4.pmax(f32x4.pmax(most, w4), w5);
  more = f32x4.pmax(f32x4.pmax(more, w6), w7);
  const largest = largestOf(f32x4.pmax(most, more));
  const inverse = inverseOf(largest);
  const limit = f32x4.splat(MOST);
  const rounder = constant(Constant.Rounder);
  v128.store(y, narrow(scaled(w0, inverse, limit), scaled(w1, inverse, limit), rounder));
  v128.store(y, narrow(scaled(w2, inverse, limit), scaled(w3, inverse, limit), rounder), 16);
  v128.store(y, narrow(scaled(w4, inverse, limit), scaled(w5, inverse, limit), rounder), 32);
  v128.store(y, narrow(scaled(w6, inverse, limit), scaled(w7, inverse, limit), rounder), 48);
  return unitOf(largest);
}

/** The largest lane; none is NaN or negative. */
@inline
function largestOf(v: v128): f32 {
  const pairs = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

@inline
function inverseOf(largest: f32): v128 {
  return f32x4.splat(largest > LEAST ? MOST / largest : 0);
}

@inline
function unitOf(largest: f32): f32 {
  return largest * <f32>3.051850947599719e-5; // 1 / 32767
}

@inline
function scaled(x: v128, inverse: v128, limit: v128): v128 {
  return f32x4.pmin(limit, f32x4.mul(x, inverse));
}

/** Two vectors within -32767 .. 32767, rounded. */
@inline
function narrow(a: v128, b: v128, rounder: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.sub(f32x4.add(a, rounder), rounder),
    i32x4.sub(f32x4.add(b, rounder), rounder),
  );
}
