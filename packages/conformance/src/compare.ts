/** How far results are from what they should be; checks that fail a test. */
import { type HostTensor, viewAs } from "@millet/core/tensor";

/**
 * Normalised mean squared error: sum (a - e)^2 / sum e^2. 0 for two empty or all-zero tensors; NaN if anything is NaN.
 */
export function normalisedError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let power = 0;
  expected.forEach((value, i) => {
    error += (actual[i]! - value) ** 2;
    power += value ** 2;
  });
  return error === 0 ? 0 : error / power;
}

/** The elements of a float32 result. */
export function floats(tensor: HostTensor): Float32Array {
  return viewAs(tensor, "f32");
}

/** Whether two results are equal bit for bit. */
export function sameBits(a: HostTensor, b: HostTensor): boolean {
  return sameBytes(a.data, b.data);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}

/** Fails a test. @throws Error */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
