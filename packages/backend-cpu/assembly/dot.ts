/**
 * Dot products of four int8 activations, broadcast to all lanes, with four weights per 32-bit lane: exact integers in
 * every mode, so that all modes and builds give the same bits. `mode` is a literal at every call: the code of other
 * modes falls away.
 *
 * A product is accumulated in two vectors `lo` and `hi`; modes that need one leave `hi` untouched.
 */

import { Dot } from "./dot-mode";

export { Dot };

/**
 * Which mode the running engine's relaxed dot allows for 8-bit weights; Sixteen where its second operand holds only
 * 7 bits (pmaddubsw saturates). The relaxed SIMD proposal lets an environment choose once, for all its code.
 */
export function probeDot(): Dot {
  if (ASC_FEATURE_RELAXED_SIMD) {
    // 127 * 255 twice overflows 16 bits, which tells an exact unsigned product from a saturating one.
    const unsigned = i32x4.extract_lane(dot32(i8x16.splat(127), i8x16.splat(-1)), 0);
    if (unsigned == 4 * 127 * 255) return Dot.Unsigned;
    const signed = i32x4.extract_lane(dot32(i8x16.splat(-128), i8x16.splat(-128)), 0);
    if (unsigned == -4 * 127 && signed == 4 * 128 * 128) return Dot.Signed;
    return Dot.Sixteen;
  }
  return Dot.Madd;
}

/** Not inlined: the probe must run, not be folded by the compiler. */
function dot32(a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, i32x4.splat(0));
  return a;
}

/** Four activations at `x + offset`, broadcast as the mode wants them. */
@inline
export function activation(mode: Dot, x: usize): v128 {
  const bytes = v128.load32_splat(x);
  return mode == Dot.Madd ? i16x8.extend_low_i8x16_s(bytes) : bytes;
}

/** lo += x . w for weights of 0..15. */
@inline
export function dotNibbleLow(mode: Dot, lo: v128, x: v128, w: v128): v128 {
  if (mode == Dot.Madd) return i16x8.add(lo, i16x8.mul(x, i16x8.extend_low_i8x16_u(w)));
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (mode == Dot.Sixteen) return i16x8.add(lo, i16x8.relaxed_dot_i8x16_i7x16_s(x, w));
    return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w, lo);
  }
  return lo;
}

@inline
export function dotNibbleHigh(mode: Dot, hi: v128, x: v128, w: v128): v128 {
  return mode == Dot.Madd ? i16x8.add(hi, i16x8.mul(x, i16x8.extend_high_i8x16_u(w))) : hi;
}

/** Where the sum of a block starts. The 32-bit modes start from the bias, which saves adding it at the end. */
@inline
export function firstSum(mode: Dot, bias: v128): v128 {
  return mode >= Dot.Signed ? bias : i32x4.splat(0);
}

/** The four rows' sums of a block plus the bias, as i32. */
@inline
export function sumNibbles(mode: Dot, lo: v128, hi: v128, bias: v128): v128 {
  if (mode >= Dot.Signed) return lo;
  const sums = i32x4.extadd_pairwise_i16x8_s(lo);
  return i32x4.add(bias, mode == Dot.Madd ? addPairs(sums, i32x4.extadd_pairwise_i16x8_s(hi)) : sums);
}

/** [a0+a1, a2+a3, b0+b1, b2+b3] */
@inline
export function addPairs(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

/** Packed signed bytes as the mode multiplies them. */
@inline
export function bytes(mode: Dot, w: v128, signBits: v128): v128 {
  return mode == Dot.Unsigned ? v128.xor(w, signBits) : w;
}

/** Where the sum of a block of bytes starts: Unsigned weights are 128 too large. `bias` is -8 times the sum of x. */
@inline
export function firstByteSum(mode: Dot, bias: v128): v128 {
  return mode == Dot.Unsigned ? i32x4.shl(bias, 4) : i32x4.splat(0);
}

/** lo += x . w for 8-bit weights. Sixteen has no room for them and is not a mode of these. */
@inline
export function dotByteLow(mode: Dot, lo: v128, x: v128, w: v128): v128 {
  if (mode == Dot.Madd) return i32x4.add(lo, i32x4.dot_i16x8_s(x, i16x8.extend_low_i8x16_s(w)));
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w, lo);
  return lo;
}

@inline
export function dotByteHigh(mode: Dot, hi: v128, x: v128, w: v128): v128 {
  return mode == Dot.Madd ? i32x4.add(hi, i32x4.dot_i16x8_s(x, i16x8.extend_high_i8x16_s(w))) : hi;
}

@inline
export function sumBytes(mode: Dot, lo: v128, hi: v128): v128 {
  return mode == Dot.Madd ? addPairs(lo, hi) : lo;
}
