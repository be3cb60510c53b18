/**
 * What the products of attention with q8_0 tiles take: a tile's scales as f32, and rows of f32 as i16 (attention-byte.ts)
 * or as two planes of bytes (attention-quads.ts), in units of their largest magnitude / 32639, rounded to nearest; NaN
 * becomes 32639, the largest number of two signed bytes. Rounding returns the row's unit.
 */
import { Constant, constant, halfHigh, halfLow } from "../constants";
import { inFours, keyFlip } from "../kv";

/** Below it a row counts as zeros: its inverse would overflow. */
const LEAST: f32 = 7.888609052210118e-31;
const MOST: f32 = 32639;

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
  const end = x + (<usize>columns << 2);
  const largest = largestMagnitude(x, columns);
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
 * 32 probabilities times the scales of their rows, as i16 or as planes, [8 quads][high 4, low 4]: the bits that `toShorts` of
 * the products gives, but since none is negative and there are just 32, with fewer instructions and all in registers.
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
  if (!inFours()) {
    const rounder = constant(Constant.Rounder);
    v128.store(y, narrow(scaled(w0, inverse, limit), scaled(w1, inverse, limit), rounder));
    v128.store(y, narrow(scaled(w2, inverse, limit), scaled(w3, inverse, limit), rounder), 16);
    v128.store(y, narrow(scaled(w4, inverse, limit), scaled(w5, inverse, limit), rounder), 32);
    v128.store(y, narrow(scaled(w6, inverse, limit), scaled(w7, inverse, limit), rounder), 48);
    return unitOf(largest);
  }
  // Where sums need unsigned codes, they take planes that are unsigned too; elsewhere low bytes are signed.
  const rounder = constant(keyFlip == 0 ? Constant.SignedRounder : Constant.Rounder);
  const flip = constant(keyFlip == 0 ? Constant.LowSigns : Constant.Zero);
  const order = constant(Constant.PlaneOrder);
  storeQuad(y, f32x4.add(scaled(w0, inverse, limit), rounder), order, flip);
  storeQuad(y + 8, f32x4.add(scaled(w1, inverse, limit), rounder), order, flip);
  storeQuad(y + 16, f32x4.add(scaled(w2, inverse, limit), rounder), order, flip);
  storeQuad(y + 24, f32x4.add(scaled(w3, inverse, limit), rounder), order, flip);
  storeQuad(y + 32, f32x4.add(scaled(w4, inverse, limit), rounder), order, flip);
  storeQuad(y + 40, f32x4.add(scaled(w5, inverse, limit), rounder), order, flip);
  storeQuad(y + 48, f32x4.add(scaled(w6, inverse, limit), rounder), order, flip);
  storeQuad(y + 56, f32x4.add(scaled(w7, inverse, limit), rounder), order, flip);
  return unitOf(largest);
}

/**
 * A row of any numbers as planes of signed bytes, rounded as `toShorts` does. Of every 32: [8 quads][high 4, low 4], i32[4]
 * of what sums start from, and room up to 128 bytes. `y` may be `x`. @param columns a multiple of 32
 */
export function toPlanes(x: usize, columns: i32, y: usize): f32 {
  const largest = largestMagnitude(x, columns);
  const inverse = inverseOf(largest);
  const limit = f32x4.splat(MOST);
  const least = f32x4.splat(-MOST);
  const rounder = constant(Constant.SignedRounder);
  const flip = constant(Constant.LowSigns);
  const order = constant(Constant.PlaneOrder);
  for (let tile: usize = 0; tile < <usize>columns << 2; tile += 128) {
    let sum = i32x4.splat(0);
    for (let i: usize = 0; i < 128; i += 16) {
      const rounded = f32x4.add(f32x4.pmax(least, scaled(v128.load(x + tile + i), inverse, limit)), rounder);
      sum = i32x4.add(sum, i32x4.sub(rounded, rounder));
      storeQuad(y + tile + (i >> 1), rounded, order, flip);
    }
    sum = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1));
    sum = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 1, 0, 3, 2));
    v128.store(y + tile, i32x4.mul(sum, i32x4.splat(keyFlip)), 64);
  }
  return unitOf(largest);
}

/** Bytes 0 and 1 of four lanes, taken apart. */
@inline
function storeQuad(y: usize, rounded: v128, order: v128, flip: v128): void {
  if (ASC_FEATURE_RELAXED_SIMD) v128.store64_lane(y, v128.xor(i8x16.relaxed_swizzle(rounded, order), flip), 0);
}

@inline
function largestMagnitude(x: usize, columns: i32): f32 {
  let most = f32x4.splat(0);
  const end = x + (<usize>columns << 2);
  for (let at = x; at < end; at += 16) most = f32x4.pmax(most, f32x4.abs(v128.load(at)));
  return largestOf(most);
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
  return largest * <f32>3.063819357210699e-5; // 1 / 32639
}

@inline
function scaled(x: v128, inverse: v128, limit: v128): v128 {
  return f32x4.pmin(limit, f32x4.mul(x, inverse));
}

/** Two vectors within -32639 .. 32639, rounded. */
@inline
function narrow(a: v128, b: v128, rounder: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.sub(f32x4.add(a, rounder), rounder),
    i32x4.sub(f32x4.add(b, rounder), rounder),
  );
}
