/**
 * Reading the packed types whose codes are split into planes of bits (docs/packed-layouts.md), four output features at
 * a time: codes put together in registers, and the scales of a block. `type` is a literal at every call, so that the
 * code of other types falls away.
 */
import { Constant, constant, halfLow } from "../constants";
import { bytes, Dot } from "../dot";
import { PackedType } from "../opcodes";
import { hasFifthBits, hasHalves, hasLevels, hasNibbles, isSuper, upperBytes } from "../packed";

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
export function even(type: PackedType, q: v128, h: v128, table: v128): v128 {
  if (type == PackedType.Q2_K) return masked(q, 3);
  if (type == PackedType.Q3_K) return v128.or(masked(q, 3), masked(i16x8.shl(h, 2), 4));
  if (type == PackedType.Q6_K) return v128.or(nibbles(q), masked(i16x8.shl(h, 4), 48));
  if (hasFifthBits(type)) return v128.or(nibbles(q), masked(i16x8.shl(h, 4), 16));
  return hasLevels(type) ? levels(table, nibbles(q)) : nibbles(q);
}

/** The same of the 4 inputs after those. */
@inline
export function odd(type: PackedType, q: v128, h: v128, table: v128): v128 {
  if (type == PackedType.Q2_K) return masked(i16x8.shr_u(q, 2), 3);
  if (type == PackedType.Q3_K) return v128.or(masked(i16x8.shr_u(q, 2), 3), masked(i16x8.shl(h, 1), 4));
  const low = nibbles(i16x8.shr_u(q, 4));
  if (type == PackedType.Q6_K) return v128.or(low, masked(h, 48));
  if (hasFifthBits(type)) return v128.or(low, masked(h, 16));
  return hasLevels(type) ? levels(table, low) : low;
}

/** The plane of lower bits for inputs 16p..16p+7; `w` is at the planes, plus 16 for the upper four features. */
@inline
export function lower(type: PackedType, w: usize, p: usize): v128 {
  return hasNibbles(type) ? v128.load(w + upperBytes(type) + (p << 6)) : v128.load(w + upperBytes(type) + (p << 5));
}

/** ... and for inputs 16p+8..16p+15. */
@inline
export function lowerNext(type: PackedType, w: usize, p: usize, q: v128): v128 {
  return hasNibbles(type) ? v128.load(w + upperBytes(type) + (p << 6), 32) : i16x8.shr_u(q, 4);
}

/** The plane of upper bits, shifted so that `even` and `odd` find those of inputs 16p..16p+7. */
@inline
export function upper(type: PackedType, w: usize, p: usize): v128 {
  if (type == PackedType.Q6_K) return v128.load(w + (p << 5));
  if (type == PackedType.Q3_K) return p == 0 ? v128.load(w) : i16x8.shr_u(v128.load(w), 4);
  if (hasFifthBits(type)) return p == 0 ? v128.load(w) : i16x8.shr_u(v128.load(w), 2);
  return i16x8.splat(0);
}

/** ... those of inputs 16p+8..16p+15. */
@inline
export function upperNext(type: PackedType, h: v128): v128 {
  return hasFifthBits(type) ? i16x8.shr_u(h, 1) : i16x8.shr_u(h, 2);
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
export function halfScales(type: PackedType, integers: usize, p: usize): v128 {
  if (type != PackedType.Q2_K) return signed4(integers + (p << 3));
  return v128.and(unsigned4(integers + (p << 3)), i32x4.splat(15));
}

/** Integer minimums of half `p` of four features; q2_k only. */
@inline
export function halfMinimums(integers: usize, p: usize): v128 {
  return i32x4.shr_u(unsigned4(integers + (p << 3)), 4);
}

/** The factor of an integer sum of 32 inputs. `scale` is the header's. */
@inline
export function blockScale(type: PackedType, scale: v128, integers: usize): v128 {
  if (!isSuper(type) || hasHalves(type)) return scale;
  const s = type == PackedType.IQ4_XS ? signed4(integers) : unsigned4(integers);
  return f32x4.mul(scale, f32x4.convert_i32x4_s(s));
}

@inline
export function blockMinimum(type: PackedType, minimum: v128, integers: usize): v128 {
  if (!isSuper(type) || hasHalves(type)) return minimum;
  return f32x4.mul(minimum, f32x4.convert_i32x4_s(unsigned4(integers + 8)));
}

/** Four f16 as f32. */
@inline
export function halves(at: usize): v128 {
  return halfLow(v128.load64_zero(at), constant(Constant.HalfMask), constant(Constant.HalfScale));
}

/** What `levels` looks up, as the mode multiplies it. */
@inline
export function levelTable(mode: Dot, type: PackedType): v128 {
  return hasLevels(type) ? bytes(mode, constant(Constant.Levels), constant(Constant.SignBits)) : i32x4.splat(0);
}
