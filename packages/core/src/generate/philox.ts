/**
 * Philox4x32-10, a counter-based random generator on 32-bit integers: the n-th number of a seed needs no state, so
 * any engine can draw the same ones (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").
 */

type Words = readonly [number, number, number, number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
/** Weyl sequence of the key: the golden ratio and sqrt(3) - 1. */
const KEY_STEP_0 = 0x9e3779b9;
const KEY_STEP_1 = 0xbb67ae85;
const ROUNDS = 10;

/**
 * Four random words for a counter and a key. All words are unsigned 32-bit integers.
 * @param counter 128 bits, the lowest word first
 * @param key 64 bits, the lower word first
 */
export function philox4x32(counter: Words, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + KEY_STEP_0) >>> 0;
    k1 = (k1 + KEY_STEP_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * The `index`-th uniform number of a seed, in [0, 1): a multiple of 2^-32.
 * @param seed whole number, 0 to 2^53 - 1; the key is its lower and upper 32 bits
 * @param index whole number, 0 to 2^32 - 1; the counter is (index, 0, 0, 0) and the first word is taken
 */
export function uniform(seed: number, index: number): number {
  const [word] = philox4x32([index, 0, 0, 0], [seed >>> 0, Math.floor(seed / 2 ** 32)]);
  return word / 2 ** 32;
}

/** Upper 32 bits of the 64-bit product of two unsigned 32-bit integers, by 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh] = [a & 0xffff, a >>> 16];
  const [bLow, bHigh] = [b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16); // below 2^32
  const carry = aLow * bHigh + (middle & 0xffff); // below 2^32
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) >>> 0;
}
