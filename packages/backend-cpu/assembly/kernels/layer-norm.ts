/** layer_norm of one group of columns: y = (x - mean) / sqrt(variance + eps) * weight + bias. */
import { sumOf, sumOfSquares } from "./moments";

/**
 * @param x the group's first element
 * @param bias 0 for none
 * @param from the first of its elements to write, in bytes from `x`, `weight`, `bias` and `y`
 * @param end after the last one
 */
export function layerNorm(
  x: usize,
  width: i32,
  epsilon: f64,
  weight: usize,
  bias: usize,
  y: usize,
  from: usize,
  end: usize,
): void {
  const exactMean = sumOf(x, width) / <f64>width;
  const factor = <f32>(1 / sqrt(sumOfSquares(x, exactMean, width) / <f64>width + epsilon));
  const mean = <f32>exactMean;
  const means = f32x4.splat(mean);
  const factors = f32x4.splat(factor);
  let i = from;
  for (; i + 16 <= end; i += 16) {
    const scaled = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x + i), means), factors), v128.load(weight + i));
    v128.store(y + i, bias == 0 ? scaled : f32x4.add(scaled, v128.load(bias + i)));
  }
  for (; i < end; i += 4) {
    const scaled = (load<f32>(x + i) - mean) * factor * load<f32>(weight + i);
    store<f32>(y + i, bias == 0 ? scaled : scaled + load<f32>(bias + i));
  }
}
