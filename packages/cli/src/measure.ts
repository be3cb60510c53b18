/** Small tools for measuring. */

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The same ids for the same arguments: the high bits of Knuth's 64-bit linear congruential generator (MMIX). */
export function randomTokenIds(count: number, vocabularySize: number, seed: number): number[] {
  let state = BigInt(seed) + 1n;
  return Array.from({ length: count }, () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 33n) % vocabularySize;
  });
}
