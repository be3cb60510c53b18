/** How an engine multiplies int8 activations with small integer weights; every mode gives the same integers. See dot.ts. */
export enum Dot {
  /** Plain SIMD: extend to 16 bits, multiply, add pairs. */
  Madd = 0,
  /** Relaxed dot into 16 bits, weights of 0..15 only: sums of a block of 32 fit (15 * 127 * 2 * 8 < 2^15). */
  Sixteen = 1,
  /** Relaxed dot into 32 bits, which this engine computes with signed weights (Arm's sdot). */
  Signed = 2,
  /** The same with unsigned weights (x64's vpdpbusd). */
  Unsigned = 3,
}
