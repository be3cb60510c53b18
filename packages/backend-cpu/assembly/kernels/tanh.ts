/**
 * tanh of four f32 within some 2e-7 relative: below 0.6 the continued fraction of Lambert (1768) up to its fifth term,
 * x (945 + 105 x^2 + x^4) / (945 + 420 x^2 + 15 x^4); beyond, (e^2x - 1) / (e^2x + 1). NaN stays NaN.
 */
import { Constant, constant } from "../constants";
import { exp4 } from "./exp";

@inline
export function tanh4(x: v128): v128 {
  const size = f32x4.abs(x);
  const far = f32x4.ge(size, f32x4.splat(0.6));
  const e = exp4(f32x4.add(size, size));
  const sign = v128.and(x, i32x4.splat(0x80000000));
  const square = f32x4.mul(x, x);
  const above = f32x4.add(f32x4.mul(f32x4.add(square, f32x4.splat(105)), square), f32x4.splat(945));
  const below = f32x4.add(f32x4.mul(f32x4.splat(15), square), f32x4.splat(420));
  const numerator = v128.bitselect(v128.or(f32x4.sub(e, constant(Constant.One)), sign), f32x4.mul(x, above), far);
  const denominator = v128.bitselect(
    f32x4.add(e, constant(Constant.One)),
    f32x4.add(f32x4.mul(below, square), f32x4.splat(945)),
    far,
  );
  return f32x4.div(numerator, denominator);
}
