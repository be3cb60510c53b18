/**
 * exp of four f32 within about 1e-7 relative: 2^n * e^r with r in [-ln2/2, ln2/2], e^r by its Taylor polynomial of
 * degree 7 (remainder below 6e-9), ln2 in two parts (Cody and Waite 1980). Below -87 the result is 0; above 88 it is
 * that of 88.
 */

import { Constant, constant } from "../constants";

@inline
export function exp4(x: v128): v128 {
  // pmin and pmax are one instruction each; min and max are six.
  const least = constant(Constant.ExpLeast);
  const clamped = f32x4.pmax(f32x4.pmin(x, constant(Constant.ExpMost)), least);
  return v128.and(expWithin(clamped), f32x4.ge(x, least));
}

/** The bits of `exp4` for x <= 0; of NaN NaN, where `exp4` gives 0. */
@inline
export function expNonpositive4(x: v128): v128 {
  const least = constant(Constant.ExpLeast);
  return v128.andnot(expWithin(f32x4.pmax(x, least)), f32x4.lt(x, least));
}

/** exp from -87 to 88. */
@inline
function expWithin(clamped: v128): v128 {
  const rounder = constant(Constant.Rounder);
  const rounded = f32x4.add(f32x4.mul(clamped, constant(Constant.Log2E)), rounder);
  const n = f32x4.sub(rounded, rounder);
  // 0.693359375 has few bits, so that its product with n is exact.
  let r = f32x4.sub(clamped, f32x4.mul(n, constant(Constant.Ln2High)));
  r = f32x4.add(r, f32x4.mul(n, constant(Constant.Ln2Low)));
  let p = constant(Constant.Exp7);
  p = f32x4.add(f32x4.mul(p, r), constant(Constant.Exp6));
  p = f32x4.add(f32x4.mul(p, r), constant(Constant.Exp5));
  p = f32x4.add(f32x4.mul(p, r), constant(Constant.Exp4));
  p = f32x4.add(f32x4.mul(p, r), constant(Constant.Exp3));
  p = f32x4.add(f32x4.mul(p, r), constant(Constant.Half));
  p = f32x4.add(f32x4.mul(f32x4.mul(p, r), r), f32x4.add(r, constant(Constant.One)));
  // The rounder's own bits vanish from the low nine that become the exponent.
  const power = i32x4.shl(i32x4.add(rounded, constant(Constant.ExponentBias)), 23);
  return f32x4.mul(p, power);
}

/** exp of one value, with the bits of `exp4`. */
@inline
export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}
