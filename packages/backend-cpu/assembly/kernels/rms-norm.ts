/** rms_norm of one group of columns: y = x / sqrt(mean(x^2) + eps) * weight. */
import { sumOfSquares } from "./moments";

/**
 * @param x the group's first element
 * @param from the first of its elements to write, in bytes from `x`, `weight` and `y`
 * @param end after the last one
 */
export function rmsNorm(x: usize, width: i32, epsilon: f64, weight: usize, y: usize, from: usize, end: usize): void {
  const factor = <f32>(1 / sqrt(sumOfSquares(x, 0, width) / <f64>width + epsilon));
  const factors = f32x4.splat(factor);
  let i = from;
  for (; i + 16 <= end; i += 16) {
    v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), factors), v128.load(weight + i)));
  }
  for (; i < end; i += 4) store<f32>(y + i, load<f32>(x + i) * factor * load<f32>(weight + i));
}
