import { describe, expect, it } from "vitest";
import type { AppliedSampling } from "../../src/generate/options.js";
import { uniform } from "../../src/generate/philox.js";
import { rowLogits } from "../../src/generate/position-logits.js";
import * as sampler from "../../src/generate/sampler.js";
import { topTokens } from "../../src/sampling/top-tokens.js";

const sampleToken = (
  logits: Float32Array,
  history: readonly number[],
  settings: AppliedSampling,
  index: number,
): number => sampler.sampleToken(rowLogits(logits), history, settings, index)!;
const logprobsOf = (logits: Float32Array, id: number, count: number) =>
  sampler.logprobsOf(rowLogits(logits), id, count)!;

const OPEN: AppliedSampling = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyTokens: 64,
  logitBias: new Map(),
  seed: 1,
};

const logitsOf = (probabilities: readonly number[]) => Float32Array.from(probabilities, Math.log);
/** Deterministic noise. [count] */
const noise = (count: number, seed = 9) =>
  Float32Array.from({ length: count }, (_, i) => uniform(seed, i) * 20);

/** How often each token comes in `draws` draws. */
function frequencies(logits: Float32Array, settings: Partial<AppliedSampling>, draws = 20_000): number[] {
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) counts[sampleToken(logits, [], { ...OPEN, ...settings }, i)]!++;
  return counts.map((count) => count / draws);
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.map((x) => x > 0)).toEqual(expected.map((x) => x > 0));
  for (const [i, x] of expected.entries()) expect(Math.abs(actual[i]! - x)).toBeLessThan(0.012);
}

describe("topTokens", () => {
  it.each([1, 2, 3, 40, 999, 1000, 5000])("is a full sort's first %d, ties by id", (count) => {
    const logits = noise(1000).map((x) => Math.round(x)); // many ties
    const sorted = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
    expect(Array.from(topTokens(logits, count))).toEqual(sorted.slice(0, count));
  });

  it("leaves out what cannot be chosen", () => {
    expect(Array.from(topTokens(Float32Array.of(NaN, 1, -Infinity, 2, NaN), 4))).toEqual([3, 1]);
    expect(Array.from(topTokens(Float32Array.of(1, 2), 0))).toEqual([]);
  });
});

describe("sampleToken", () => {
  it("takes the best token at temperature 0, the lowest id of equals", () => {
    expect(sampleToken(Float32Array.of(1, 3, 2, 3), [], { ...OPEN, temperature: 0 }, 0)).toBe(1);
  });

  it("draws from the distribution itself if nothing limits it", () => {
    expectClose(frequencies(logitsOf([0.5, 0.25, 0.2, 0.05]), {}), [0.5, 0.25, 0.2, 0.05]);
  });

  it("gives the same distribution by way of sorted candidates", () => {
    expectClose(frequencies(logitsOf([0.05, 0.5, 0.2, 0.25]), { topP: 0.9999999 }), [0.05, 0.5, 0.2, 0.25]);
  });

  it("sharpens by temperature", () => {
    const squared = [0.25, 0.0625, 0.04, 0.0025].map((x) => x / 0.355);
    expectClose(frequencies(logitsOf([0.5, 0.25, 0.2, 0.05]), { temperature: 0.5 }), squared);
  });

  it("keeps the k best", () => {
    expectClose(frequencies(logitsOf([0.05, 0.25, 0.2, 0.5]), { topK: 2 }), [0, 1 / 3, 0, 2 / 3]);
  });

  it("keeps the nucleus: the fewest tokens that reach top-p", () => {
    expectClose(frequencies(logitsOf([0.5, 0.25, 0.2, 0.05]), { topP: 0.74 }), [2 / 3, 1 / 3, 0, 0]);
    expectClose(frequencies(logitsOf([0.5, 0.25, 0.2, 0.05]), { topP: 0 }, 50), [1, 0, 0, 0]);
  });

  it("takes top-p of what top-k left", () => {
    // 0.5 of the 0.75 that top-k leaves are 0.67, short of 0.7 only if renormalised
    expectClose(frequencies(logitsOf([0.5, 0.25, 0.2, 0.05]), { topK: 2, topP: 0.66 }, 500), [1, 0, 0, 0]);
  });

  it("drops what is unlikely next to the best", () => {
    const left = [0.5 / 0.95, 0.25 / 0.95, 0.2 / 0.95, 0];
    expectClose(frequencies(logitsOf([0.5, 0.25, 0.2, 0.05]), { minP: 0.3 }), left);
  });

  it("finds a wide nucleus in a flat vocabulary", () => {
    const logits = new Float32Array(5000);
    const drawn = Array.from({ length: 500 }, (_, i) => sampleToken(logits, [], { ...OPEN, topP: 0.9 }, i));
    expect(Math.max(...drawn)).toBeLessThanOrEqual(4500);
    expect(new Set(drawn).size).toBeGreaterThan(400);
  });

  it("applies bias, and forbids with -Infinity", () => {
    const logitBias = new Map([
      [0, -Infinity],
      [3, Math.log(4)],
    ]);
    const biased = [0, 0.25 / 0.65, 0.2 / 0.65, 0.2 / 0.65];
    expectClose(frequencies(logitsOf([0.5, 0.25, 0.2, 0.05]), { logitBias }), biased);
  });

  it("penalizes recent tokens: repetition by sign, frequency by count, presence once", () => {
    const greedy = { ...OPEN, temperature: 0 };
    const logits = Float32Array.of(2, 1.5, -1, -1.5);
    expect(sampleToken(logits, [0], { ...greedy, repetitionPenalty: 1.4 }, 0)).toBe(1); // 2 / 1.4 < 1.5
    const negative = Float32Array.of(-1, -1.5);
    expect(sampleToken(negative, [0], { ...greedy, repetitionPenalty: 1.6 }, 0)).toBe(1); // -1 * 1.6
    expect(sampleToken(logits, [0], { ...greedy, frequencyPenalty: 0.3 }, 0)).toBe(0);
    expect(sampleToken(logits, [0, 0], { ...greedy, frequencyPenalty: 0.3 }, 0)).toBe(1);
    expect(sampleToken(logits, [0, 0], { ...greedy, presencePenalty: 0.3 }, 0)).toBe(0);
    expect(sampleToken(logits, [0], { ...greedy, presencePenalty: 0.6 }, 0)).toBe(1);
  });

  it("forgets tokens before the last penaltyTokens", () => {
    const settings = { ...OPEN, temperature: 0, presencePenalty: 5 };
    const logits = Float32Array.of(2, 1);
    expect(sampleToken(logits, [0, 1], { ...settings, penaltyTokens: 1 }, 0)).toBe(0);
    expect(sampleToken(logits, [0], { ...settings, penaltyTokens: 0 }, 0)).toBe(0);
  });

  it("leaves the logits as they were", () => {
    const logits = Float32Array.of(1, 2, 3);
    sampleToken(logits, [2], { ...OPEN, repetitionPenalty: 2, logitBias: new Map([[0, 1]]) }, 0);
    expect(Array.from(logits)).toEqual([1, 2, 3]);
  });

  it("repeats itself for a seed and differs between seeds", () => {
    const logits = noise(300).map((x) => x / 20);
    const run = (seed: number) =>
      Array.from({ length: 20 }, (_, i) => sampleToken(logits, [], { ...OPEN, seed }, i));
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });

  it.each([
    ["NaN", Float32Array.of(NaN, NaN)],
    ["+Infinity", Float32Array.of(1, Infinity)],
    ["-Infinity alone", Float32Array.of(-Infinity, -Infinity)],
  ])("refuses logits that are %s", (_, logits) => {
    expect(() => sampleToken(logits, [], OPEN, 0)).toThrow(
      expect.objectContaining({ code: "BACKEND_FAILED" }),
    );
  });
});

describe("logprobsOf", () => {
  it("gives natural logarithms of the model's own probabilities, best first", () => {
    const { id, logprob, top } = logprobsOf(logitsOf([0.2, 0.5, 0.3]), 0, 2);
    expect(id).toBe(0);
    expect(logprob).toBeCloseTo(Math.log(0.2), 6);
    expect(top.map((other) => other.id)).toEqual([1, 2]);
    expect(top[0]!.logprob).toBeCloseTo(Math.log(0.5), 6);
    expect(logprobsOf(logitsOf([1]), 0, 0).top).toEqual([]);
  });

  it("stands large logits", () => {
    expect(logprobsOf(Float32Array.of(1000, 1000), 0, 0).logprob).toBeCloseTo(-Math.LN2, 6);
  });
});
