/** rms_norm: y = x / sqrt(mean(x^2) + eps) * weight. The mean of squares is summed in f64, in a fixed order. */
import { address, count, real, word } from "../address";
import { RmsNormOperand as Operand, Sharing } from "../opcodes";
import { privateIndex, rowEnd, rowStart } from "../partition";

export function rmsNorm(step: usize, thread: i32, threads: i32): void {
  const replicated = word(step, Operand.Sharing) == Sharing.Replicated;
  const width = word(step, Operand.Width);
  const rows = count(step, Operand.Count);
  const x = address(step, Operand.X);
  const xStride = address(step, Operand.XStride);
  const y = address(step, Operand.Y) + address(step, Operand.YPrivate) * privateIndex;
  const yStride = address(step, Operand.YStride);
  const weight = address(step, Operand.Weight);
  const epsilon = <f64>real(step, Operand.Epsilon);
  const first = replicated ? 0 : rowStart(rows, thread, threads);
  const end = replicated ? rows : min(rows, rowEnd(rows, thread, threads));
  for (let row = first; row < end; row++) {
    const source = x + xStride * row;
    const factor = <f32>(1 / sqrt(sumOfSquares(source, width) / <f64>width + epsilon));
    scaleRow(source, weight, factor, y + yStride * row, width);
  }
}

function sumOfSquares(x: usize, width: i32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const vectors = width >> 2;
  for (let i = 0; i < vectors; i++) {
    const v = v128.load(x);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 0));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
    x += 16;
  }
  let sum =
    f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1) + (f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1));
  for (let i = vectors << 2; i < width; i++) {
    const v = <f64>load<f32>(x);
    sum += v * v;
    x += 4;
  }
  return sum;
}

function scaleRow(x: usize, weight: usize, factor: f32, y: usize, width: i32): void {
  const factors = f32x4.splat(factor);
  const vectors = width >> 2;
  for (let i = 0; i < vectors; i++) {
    v128.store(y, f32x4.mul(f32x4.mul(v128.load(x), factors), v128.load(weight)));
    x += 16;
    y += 16;
    weight += 16;
  }
  for (let i = vectors << 2; i < width; i++) {
    store<f32>(y, load<f32>(x) * factor * load<f32>(weight));
    x += 4;
    y += 4;
    weight += 4;
  }
}
