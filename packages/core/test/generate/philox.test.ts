import { describe, expect, it } from "vitest";
import { philox4x32, uniform } from "../../src/generate/philox.js";

type Words = readonly [number, number, number, number];

// Known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds): counter, key, result.
const KNOWN_ANSWERS: readonly [Words, readonly [number, number], Words][] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

describe("philox4x32", () => {
  it.each(KNOWN_ANSWERS)("gives the published answer for counter %j", (counter, key, answer) => {
    expect(philox4x32(counter, key)).toEqual(answer);
  });
});

describe("uniform", () => {
  it("is the first word of counter (index, 0, 0, 0) under the seed's two halves", () => {
    const seed = 5 * 2 ** 32 + 7;
    expect(uniform(seed, 3)).toBe(philox4x32([3, 0, 0, 0], [7, 5])[0] / 2 ** 32);
  });

  it("lies in [0, 1) and has the mean and variance of a uniform number", () => {
    const numbers = Array.from({ length: 20_000 }, (_, i) => uniform(42, i));
    const mean = numbers.reduce((a, b) => a + b) / numbers.length;
    const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length;
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    expect(mean).toBeCloseTo(0.5, 2); // 0.005 is 2.4 standard errors
    expect(variance).toBeCloseTo(1 / 12, 2);
  });

  it("differs by seed", () => {
    expect(uniform(1, 0)).not.toBe(uniform(2, 0));
    expect(uniform(1, 0)).not.toBe(uniform(1 + 2 ** 32, 0));
  });
});
