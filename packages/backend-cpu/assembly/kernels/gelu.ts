/** gelu of four f32: exact within some 4e-7 relative, and its approximation by tanh, which is no cheaper. */
import { Constant, constant } from "../constants";
import { exp4 } from "./exp";

/**
 * x * P(X <= x) for a standard normal X. The tail beyond |x| is e^(-x^2 / 2) t Q(t) with t = 1 / (1 + 0.35 |x|), the form
 * of Hastings (1955); Q of degree 8 was fitted for the least relative error, which is 3e-8.
 */
@inline
export function gelu4(x: v128): v128 {
  const one = constant(Constant.One);
  const t = f32x4.div(one, f32x4.add(one, f32x4.mul(f32x4.splat(0.35), f32x4.abs(x))));
  let q = constant(Constant.Gelu8);
  q = f32x4.add(f32x4.mul(q, t), constant(Constant.Gelu7));
  q = f32x4.add(f32x4.mul(q, t), constant(Constant.Gelu6));
  q = f32x4.add(f32x4.mul(q, t), constant(Constant.Gelu5));
  q = f32x4.add(f32x4.mul(q, t), constant(Constant.Gelu4));
  q = f32x4.add(f32x4.mul(q, t), constant(Constant.Gelu3));
  q = f32x4.add(f32x4.mul(q, t), constant(Constant.Gelu2));
  q = f32x4.add(f32x4.mul(q, t), constant(Constant.Gelu1));
  q = f32x4.add(f32x4.mul(q, t), constant(Constant.Gelu0));
  const tail = f32x4.mul(f32x4.mul(q, t), exp4(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5))));
  const negative = f32x4.lt(x, f32x4.splat(0));
  return f32x4.mul(x, v128.bitselect(tail, f32x4.sub(one, tail), negative));
}

/** x / (1 + e^(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3). */
@inline
export function geluTanh4(x: v128): v128 {
  const cubic = f32x4.mul(f32x4.splat(0.07135481627260025), f32x4.mul(x, x));
  const u2 = f32x4.mul(x, f32x4.add(cubic, f32x4.splat(1.5957691216057308)));
  return f32x4.div(x, f32x4.add(constant(Constant.One), exp4(f32x4.neg(u2))));
}
