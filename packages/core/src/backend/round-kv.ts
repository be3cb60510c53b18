/**
 * How a KV cache rounds what it keeps. f16: to nearest, magnitudes above 65504 become 65504. q8_0: each head in blocks of
 * 32 elements (the last may be shorter) with value = scale * q, scale = largest / 127 as f16 but never below the smallest
 * normal f16, q to nearest within -127..127. What is kept is therefore always finite, and keeping it again changes
 * nothing. Every operation is rounded to f32, so that engines can give the same bits.
 */
import type { KvDType } from "../graph/kv.js";
import { f16ToNumber, numberToF16 } from "../quant/index.js";

/** Elements of a head that share a scale. */
export const KV_Q8_0_ELEMENTS = 32;

/** The largest f16. */
const MOST_HALF = 65504;
const LEAST_SCALE = 2 ** -14;
const MOST_CODE = 127;

/**
 * Rounds heads in place.
 * @param values any number of heads, one after the other
 * @param headSize elements of a head
 */
export function roundKv(dtype: KvDType, values: Float32Array, headSize: number): void {
  switch (dtype) {
    case "f32":
      break;
    case "f16":
      for (let i = 0; i < values.length; i++) values[i] = asHalf(values[i]!);
      break;
    case "q8_0":
      for (let head = 0; head < values.length; head += headSize) {
        for (let i = 0; i < headSize; i += KV_Q8_0_ELEMENTS) {
          roundBlock(values.subarray(head + i, head + Math.min(i + KV_Q8_0_ELEMENTS, headSize)));
        }
      }
      break;
    default:
      dtype satisfies never;
  }
}

function roundBlock(block: Float32Array): void {
  let largest = 0;
  for (const x of block) if (Math.abs(x) > largest) largest = Math.abs(x); // NaN does not count
  const scale = asHalf(Math.max(Math.fround(largest / MOST_CODE), LEAST_SCALE));
  const inverse = Math.fround(1 / scale);
  for (let i = 0; i < block.length; i++) {
    const code = nearest(bounded(Math.fround(block[i]! * inverse), MOST_CODE));
    block[i] = scale * code;
  }
}

function asHalf(x: number): number {
  return f16ToNumber(numberToF16(bounded(x, MOST_HALF)));
}

/** NaN becomes `most`. */
function bounded(x: number, most: number): number {
  if (!(x < most)) return most;
  return Math.max(x, -most);
}

/** The nearest integer, ties to even, for |x| < 2^22: the sum leaves no bits for a fraction. */
function nearest(x: number): number {
  return Math.fround(Math.fround(x + 12582912) - 12582912);
}
