/** How numbers become uint8 and back: x = (code - zeroPoint) * scale, as ONNX's QuantizeLinear has it. */

export interface Quantization {
  /** A float32. */
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Codes of weights are symmetric: 128 stands for 0, and -128 is not used. */
export const WEIGHT_ZERO_POINT = 128;
export const WEIGHT_LEVELS = 127;

const LEVELS = 255;

/** The finest that holds 0 and the range; any where the range is 0 alone. */
export function quantizationOf(low: number, high: number): Quantization {
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = Math.fround((to - from) / LEVELS);
  if (!(scale > 0)) return { scale: 1, zeroPoint: 0 };
  return { scale, zeroPoint: Math.min(LEVELS, Math.max(0, Math.round(-from / scale))) };
}

/** Of columns [low, high] that are divided by `divisors` first. */
export function columnsQuantization(
  { low, high }: { readonly low: ArrayLike<number>; readonly high: ArrayLike<number> },
  divisors: ArrayLike<number>,
): Quantization {
  let [from, to] = [0, 0];
  for (let i = 0; i < divisors.length; i++) {
    from = Math.min(from, low[i]! / divisors[i]!);
    to = Math.max(to, high[i]! / divisors[i]!);
  }
  return quantizationOf(from, to);
}
