/**
 * The products of attention with q8_0 tiles whose codes lie in fours (kv.ts), by the 8-bit dot product of relaxed SIMD:
 * the integers and bits of attention-byte.ts, where the engine takes all 8 bits of both operands. Rows of A are two planes
 * (attention-shorts.ts), f = 256 * high + low. x64 takes the second operand as unsigned: of keys, that is the codes (128
 * too large, which sums start from) times signed planes, of values the planes, since probabilities are not negative.
 */

/** sum + a . b of four bytes per lane. */
@inline
export function dot(sum: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sum);
  return sum;
}

/** The sums of two planes as f32. */
@inline
export function join(high: v128, low: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.add(i32x4.shl(high, 8), low));
}
