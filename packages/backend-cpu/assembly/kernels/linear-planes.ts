/**
 * Matrix products of weights whose codes are split into planes of bits (docs/packed-layouts.md), 8 output features by 1
 * or 4 rows of quantized activations. Codes are put together in registers and multiplied as bytes; what types share is
 * written once, and `type` and `mode` are literals at every call. Sums within 32 inputs are exact integers; blocks of 32
 * are added in order with one expression (`addBlock`), the same for 1 row and for 4.
 */
import { Activations } from "../activations";
import { Constant, constant, halfLow } from "../constants";
import { addPairs, bytes, Dot, dotByteHigh, dotByteLow, dotNibbleHigh, dotNibbleLow, activation } from "../dot";
import { PackedType } from "../opcodes";
import {
  hasFifthBits,
  hasHalves,
  hasLevels,
  hasMinimum,
  hasNibbles,
  headerBytes,
  integerBytes,
  integersOffset,
  isSuper,
  planeBytes,
  upperBytes,
} from "../packed";

@inline
function masked(v: v128, mask: i8): v128 {
  return v128.and(v, i8x16.splat(mask));
}

@inline
function nibbles(v: v128): v128 {
  return v128.and(v, constant(Constant.NibbleMask));
}

/** The level of each code below 16. */
@inline
function levels(table: v128, codes: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, codes) : i8x16.swizzle(table, codes);
}

/** Weights, before their scale, of the next 4 inputs of four features: from the plane `q` of lower and `h` of upper bits. */
@inline
function even(type: PackedType, q: v128, h: v128, table: v128): v128 {
  if (type == PackedType.Q2_K) return masked(q, 3);
  if (type == PackedType.Q3_K) return v128.or(masked(q, 3), masked(i16x8.shl(h, 2), 4));
  if (type == PackedType.Q6_K) return v128.or(nibbles(q), masked(i16x8.shl(h, 4), 48));
  if (hasFifthBits(type)) return v128.or(nibbles(q), masked(i16x8.shl(h, 4), 16));
  return hasLevels(type) ? levels(table, nibbles(q)) : nibbles(q);
}

/** The same of the 4 inputs after those. */
@inline
function odd(type: PackedType, q: v128, h: v128, table: v128): v128 {
  if (type == PackedType.Q2_K) return masked(i16x8.shr_u(q, 2), 3);
  if (type == PackedType.Q3_K) return v128.or(masked(i16x8.shr_u(q, 2), 3), masked(i16x8.shl(h, 1), 4));
  const low = nibbles(i16x8.shr_u(q, 4));
  if (type == PackedType.Q6_K) return v128.or(low, masked(h, 48));
  if (hasFifthBits(type)) return v128.or(low, masked(h, 16));
  return hasLevels(type) ? levels(table, low) : low;
}

/** The plane of lower bits for inputs 16p..16p+7; `w` is at the planes, plus 16 for the upper four features. */
@inline
function lower(type: PackedType, w: usize, p: usize): v128 {
  return hasNibbles(type) ? v128.load(w + upperBytes(type) + (p << 6)) : v128.load(w + upperBytes(type) + (p << 5));
}

/** ... and for inputs 16p+8..16p+15. */
@inline
function lowerNext(type: PackedType, w: usize, p: usize, q: v128): v128 {
  return hasNibbles(type) ? v128.load(w + upperBytes(type) + (p << 6), 32) : i16x8.shr_u(q, 4);
}

/** The plane of upper bits, shifted so that `even` and `odd` find those of inputs 16p..16p+7. */
@inline
function upper(type: PackedType, w: usize, p: usize): v128 {
  if (type == PackedType.Q6_K) return v128.load(w + (p << 5));
  if (type == PackedType.Q3_K) return p == 0 ? v128.load(w) : i16x8.shr_u(v128.load(w), 4);
  if (hasFifthBits(type)) return p == 0 ? v128.load(w) : i16x8.shr_u(v128.load(w), 2);
  return i16x8.splat(0);
}

/** ... those of inputs 16p+8..16p+15. */
@inline
function upperNext(type: PackedType, h: v128): v128 {
  return hasFifthBits(type) ? i16x8.shr_u(h, 1) : i16x8.shr_u(h, 2);
}

/** acc + x . c over 16 inputs of one row. Codes are below 64: products of 16 fit into 16 bits where a mode sums so. */
@inline
function dot16(mode: Dot, type: PackedType, acc: v128, x: usize, c0: v128, c1: v128, c2: v128, c3: v128): v128 {
  const v0 = activation(mode, x);
  const v1 = activation(mode, x + 4);
  const v2 = activation(mode, x + 8);
  const v3 = activation(mode, x + 12);
  const zero = i32x4.splat(0);
  let lo = mode == Dot.Madd ? zero : acc;
  let hi = zero;
  if (hasLevels(type)) {
    lo = dotByteLow(mode, dotByteLow(mode, lo, v0, c0), v1, c1);
    lo = dotByteLow(mode, dotByteLow(mode, lo, v2, c2), v3, c3);
    if (mode != Dot.Madd) return lo;
    hi = dotByteHigh(mode, dotByteHigh(mode, hi, v0, c0), v1, c1);
    hi = dotByteHigh(mode, dotByteHigh(mode, hi, v2, c2), v3, c3);
    return i32x4.add(acc, addPairs(lo, hi));
  }
  lo = dotNibbleLow(mode, dotNibbleLow(mode, lo, v0, c0), v1, c1);
  lo = dotNibbleLow(mode, dotNibbleLow(mode, lo, v2, c2), v3, c3);
  if (mode != Dot.Madd) return lo;
  hi = dotNibbleHigh(mode, dotNibbleHigh(mode, hi, v0, c0), v1, c1);
  hi = dotNibbleHigh(mode, dotNibbleHigh(mode, hi, v2, c2), v3, c3);
  return i32x4.add(acc, addPairs(i32x4.extadd_pairwise_i16x8_s(lo), i32x4.extadd_pairwise_i16x8_s(hi)));
}

/** -8 times the sum of the 16 activations of half `p`. */
@inline
function halfBias(statistics: usize, p: usize): v128 {
  const first = v128.load32_splat(statistics, 12);
  return p == 0 ? first : i32x4.sub(v128.load32_splat(statistics, 4), first);
}

/** Where the integer sum of 32 inputs starts, or of half `p` for types with a scale per half: the codes' offset. */
@inline
function bias(mode: Dot, type: PackedType, statistics: usize, p: usize): v128 {
  if (type == PackedType.Q6_K) return i32x4.shl(halfBias(statistics, p), 2);
  if (type == PackedType.Q3_K) return i32x4.shr_s(halfBias(statistics, p), 1);
  if (type == PackedType.Q5_0) return i32x4.shl(v128.load32_splat(statistics, 4), 1);
  if (hasLevels(type) && mode == Dot.Unsigned) return i32x4.shl(v128.load32_splat(statistics, 4), 4);
  return i32x4.splat(0);
}

@inline
function unsigned4(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
}

@inline
function signed4(at: usize): v128 {
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(at)));
}

/** Integer scales of half `p` of four features. */
@inline
function halfScales(type: PackedType, integers: usize, p: usize): v128 {
  if (type != PackedType.Q2_K) return signed4(integers + (p << 3));
  return v128.and(unsigned4(integers + (p << 3)), i32x4.splat(15));
}

/** Integer minimums of half `p` of four features; q2_k only. */
@inline
function halfMinimums(integers: usize, p: usize): v128 {
  return i32x4.shr_u(unsigned4(integers + (p << 3)), 4);
}

/** The factor of an integer sum of 32 inputs. `scale` is the header's. */
@inline
function blockScale(type: PackedType, scale: v128, integers: usize): v128 {
  if (!isSuper(type) || hasHalves(type)) return scale;
  const s = type == PackedType.IQ4_XS ? signed4(integers) : unsigned4(integers);
  return f32x4.mul(scale, f32x4.convert_i32x4_s(s));
}

@inline
function blockMinimum(type: PackedType, minimum: v128, integers: usize): v128 {
  if (!isSuper(type) || hasHalves(type)) return minimum;
  return f32x4.mul(minimum, f32x4.convert_i32x4_s(unsigned4(integers + 8)));
}

/** acc + what 32 inputs add to one row's four sums. */
@inline
function addBlock(
  type: PackedType,
  acc: v128,
  scale: v128,
  minimum: v128,
  integers: usize,
  statistics: usize,
  dot: v128,
): v128 {
  const xScale = v128.load32_splat(statistics);
  const product = f32x4.mul(f32x4.mul(scale, xScale), f32x4.convert_i32x4_s(dot));
  if (!hasMinimum(type)) return f32x4.add(acc, product);
  if (type == PackedType.Q2_K) {
    // -8 times the sum of minimum * activation.
    const first = i32x4.mul(halfMinimums(integers, 0), halfBias(statistics, 0));
    const low = i32x4.add(first, i32x4.mul(halfMinimums(integers, 1), halfBias(statistics, 1)));
    const sum = f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.neg(low), 3));
    return f32x4.add(acc, f32x4.sub(product, f32x4.mul(f32x4.mul(minimum, xScale), sum)));
  }
  const offset = f32x4.mul(minimum, v128.load32_splat(statistics, 8));
  return f32x4.add(acc, type == PackedType.Q5_1 ? f32x4.add(product, offset) : f32x4.sub(product, offset));
}

/** Four f16 as f32. */
@inline
function halves(at: usize): v128 {
  return halfLow(v128.load64_zero(at), constant(Constant.HalfMask), constant(Constant.HalfScale));
}

/** Blocks of 32 inputs that a header serves. */
@inline
function span(type: PackedType): i32 {
  return isSuper(type) ? 8 : 1;
}

/** Exact integer sum of 32 inputs of one row and four features. */
@inline
function blockDot(mode: Dot, type: PackedType, w: usize, x: usize, integers: usize, table: v128): v128 {
  const statistics = x + Activations.SingleStatistics;
  let dot = bias(mode, type, statistics, 0);
  let q = lower(type, w, 0);
  let h = upper(type, w, 0);
  let q2 = lowerNext(type, w, 0, q);
  let h2 = upperNext(type, h);
  const a = dot16(
    mode, type, dot, x,
    even(type, q, h, table), odd(type, q, h, table), even(type, q2, h2, table), odd(type, q2, h2, table),
  );
  q = lower(type, w, 1);
  h = upper(type, w, 1);
  q2 = lowerNext(type, w, 1, q);
  h2 = upperNext(type, h);
  dot = hasHalves(type) ? bias(mode, type, statistics, 1) : a;
  dot = dot16(
    mode, type, dot, x + 16,
    even(type, q, h, table), odd(type, q, h, table), even(type, q2, h2, table), odd(type, q2, h2, table),
  );
  if (!hasHalves(type)) return dot;
  return i32x4.add(i32x4.mul(halfScales(type, integers, 0), a), i32x4.mul(halfScales(type, integers, 1), dot));
}

/** What `levels` looks up, as the mode multiplies it. */
@inline
function levelTable(mode: Dot, type: PackedType): v128 {
  return hasLevels(type) ? bytes(mode, constant(Constant.Levels), constant(Constant.SignBits)) : i32x4.splat(0);
}

@inline
export function planesTile1(mode: Dot, type: PackedType, w: usize, x: usize, blocks: i32, y: usize): void {
  const table = levelTable(mode, type);
  let y0 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  for (let b = 0; b < blocks; b += span(type)) {
    const scale0 = halves(w);
    const scale1 = halves(w + 8);
    const minimum0 = hasMinimum(type) ? halves(w + 16) : scale0;
    const minimum1 = hasMinimum(type) ? halves(w + 24) : scale1;
    let integers = w + integersOffset(type);
    w += headerBytes(type);
    for (let j = 0; j < span(type); j++) {
      const statistics = x + Activations.SingleStatistics;
      const a = blockDot(mode, type, w, x, integers, table);
      const s0 = blockScale(type, scale0, integers);
      y0 = addBlock(type, y0, s0, blockMinimum(type, minimum0, integers), integers, statistics, a);
      integers += 4;
      const c = blockDot(mode, type, w + 16, x, integers, table);
      const s1 = blockScale(type, scale1, integers);
      y1 = addBlock(type, y1, s1, blockMinimum(type, minimum1, integers), integers, statistics, c);
      integers += integerBytes(type) - 4;
      w += planeBytes(type);
      x += Activations.BlockBytes;
    }
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
}

/** Four rows: first the lower four features, then the upper four, so that all sums stay in registers. */
@inline
export function planesTile4(
  mode: Dot,
  type: PackedType,
  w: usize,
  x: usize,
  blocks: i32,
  y: usize,
  yStride: usize,
): void {
  for (let upperFour: usize = 0; upperFour < 2; upperFour++) {
    planesFour(mode, type, w, x, blocks, upperFour, y + (upperFour << 4), yStride);
  }
}

@inline
function planesFour(
  mode: Dot,
  type: PackedType,
  w: usize,
  x: usize,
  blocks: i32,
  upperFour: usize,
  y: usize,
  yStride: usize,
): void {
  const table = levelTable(mode, type);
  let y0 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  let y2 = f32x4.splat(0);
  let y3 = f32x4.splat(0);
  for (let b = 0; b < blocks; b += span(type)) {
    const scale = halves(w + (upperFour << 3));
    const minimum = hasMinimum(type) ? halves(w + (upperFour << 3) + 16) : scale;
    let integers = w + integersOffset(type) + (upperFour << 2);
    w += headerBytes(type);
    for (let j = 0; j < span(type); j++) {
      const statistics = x + Activations.GroupStatistics;
      const planes = w + (upperFour << 4);
      let q = lower(type, planes, 0);
      let h = upper(type, planes, 0);
      let c0 = even(type, q, h, table);
      let c1 = odd(type, q, h, table);
      q = lowerNext(type, planes, 0, q);
      h = upperNext(type, h);
      let c2 = even(type, q, h, table);
      let c3 = odd(type, q, h, table);
      let d0 = dot16(mode, type, bias(mode, type, statistics, 0), x, c0, c1, c2, c3);
      let d1 = dot16(mode, type, bias(mode, type, statistics + 16, 0), x + 32, c0, c1, c2, c3);
      let d2 = dot16(mode, type, bias(mode, type, statistics + 32, 0), x + 64, c0, c1, c2, c3);
      let d3 = dot16(mode, type, bias(mode, type, statistics + 48, 0), x + 96, c0, c1, c2, c3);
      q = lower(type, planes, 1);
      h = upper(type, planes, 1);
      c0 = even(type, q, h, table);
      c1 = odd(type, q, h, table);
      q = lowerNext(type, planes, 1, q);
      h = upperNext(type, h);
      c2 = even(type, q, h, table);
      c3 = odd(type, q, h, table);
      if (hasHalves(type)) {
        let s = halfScales(type, integers, 0);
        d0 = i32x4.mul(s, d0);
        d1 = i32x4.mul(s, d1);
        d2 = i32x4.mul(s, d2);
        d3 = i32x4.mul(s, d3);
        s = halfScales(type, integers, 1);
        let e = dot16(mode, type, bias(mode, type, statistics, 1), x + 16, c0, c1, c2, c3);
        d0 = i32x4.add(d0, i32x4.mul(s, e));
        e = dot16(mode, type, bias(mode, type, statistics + 16, 1), x + 48, c0, c1, c2, c3);
        d1 = i32x4.add(d1, i32x4.mul(s, e));
        e = dot16(mode, type, bias(mode, type, statistics + 32, 1), x + 80, c0, c1, c2, c3);
        d2 = i32x4.add(d2, i32x4.mul(s, e));
        e = dot16(mode, type, bias(mode, type, statistics + 48, 1), x + 112, c0, c1, c2, c3);
        d3 = i32x4.add(d3, i32x4.mul(s, e));
      } else {
        d0 = dot16(mode, type, d0, x + 16, c0, c1, c2, c3);
        d1 = dot16(mode, type, d1, x + 48, c0, c1, c2, c3);
        d2 = dot16(mode, type, d2, x + 80, c0, c1, c2, c3);
        d3 = dot16(mode, type, d3, x + 112, c0, c1, c2, c3);
      }
      const s = blockScale(type, scale, integers);
      const m = blockMinimum(type, minimum, integers);
      y0 = addBlock(type, y0, s, m, integers, statistics, d0);
      y1 = addBlock(type, y1, s, m, integers, statistics + 16, d1);
      y2 = addBlock(type, y2, s, m, integers, statistics + 32, d2);
      y3 = addBlock(type, y3, s, m, integers, statistics + 48, d3);
      integers += integerBytes(type);
      w += planeBytes(type);
      x += Activations.GroupBytes;
    }
  }
  v128.store(y, y0);
  v128.store(y + yStride, y1);
  v128.store(y + (yStride << 1), y2);
  v128.store(y + yStride * 3, y3);
}
