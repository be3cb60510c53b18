/**
 * exp of four f32 within about 1e-7 relative: 2^n * e^r with r in [-ln2/2, ln2/2], e^r by its Taylor polynomial of
 * degree 7 (remainder below 6e-9), ln2 in two parts (Cody and Waite 1980). Below -87 the result is 0; above 88 it is
 * that of 88.
 */

/** 1.5 * 2^23: adding it rounds to a whole number, to even, that stands in the low bits. */
export const ROUNDER: f32 = 12582912;

@inline
export function exp4(x: v128): v128 {
  // pmin and pmax are one instruction each; min and max are six.
  const clamped = f32x4.pmax(f32x4.pmin(x, f32x4.splat(88)), f32x4.splat(-87));
  const rounded = f32x4.add(f32x4.mul(clamped, f32x4.splat(1.4426950408889634)), f32x4.splat(ROUNDER));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDER));
  // 0.693359375 has few bits, so that its product with n is exact.
  let r = f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.add(r, f32x4.mul(n, f32x4.splat(2.12194440054690583e-4)));
  let p = f32x4.splat(1.0 / 5040.0);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 720.0));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 120.0));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 24.0));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 6.0));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5));
  p = f32x4.add(f32x4.mul(f32x4.mul(p, r), r), f32x4.add(r, f32x4.splat(1)));
  // The rounder's own bits vanish from the low nine that become the exponent.
  const power = i32x4.shl(i32x4.add(rounded, i32x4.splat(127)), 23);
  return v128.and(f32x4.mul(p, power), f32x4.ge(x, f32x4.splat(-87)));
}

/** exp of one value, with the bits of `exp4`. */
@inline
export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}
