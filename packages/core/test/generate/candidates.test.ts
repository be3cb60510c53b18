/** Candidates choose the same token as the row of logits, or say that they do not suffice; log-probabilities too. */
import { describe, expect, it } from "vitest";
import type { AppliedSampling } from "../../src/generate/options.js";
import { uniform } from "../../src/generate/philox.js";
import { candidateLogits, recentTokens, rowLogits } from "../../src/generate/position-logits.js";
import { logprobsOf, sampleToken } from "../../src/generate/sampler.js";
import { sample } from "../../src/ops/index.js";
import { unpackCandidates } from "../../src/sampling/candidates.js";
import { settingsRow } from "../../src/sampling/settings.js";
import { tensorOf, viewAs } from "../../src/tensor/tensor.js";

const OPEN: AppliedSampling = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyTokens: 16,
  logitBias: new Map(),
  seed: 5,
};

/** Reproducible numbers. */
class Numbers {
  #next = 0;

  constructor(readonly seed: number) {}

  uniform(): number {
    return uniform(this.seed, this.#next++);
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.uniform() * values.length)]!;
  }
}

interface Position {
  readonly logits: Float32Array;
  readonly history: readonly number[];
  readonly sizes: { readonly candidates: number; readonly history: number };
}

/** Peaked or flat, often with ties, holes, and a history of likely tokens. */
function position(numbers: Numbers): Position {
  const vocabulary = numbers.pick([1, 2, 7, 12, 13, 40, 300, 1500]);
  const scale = numbers.pick([0.1, 2, 8]);
  const step = numbers.pick([0, 0, 0.5]);
  const holes = numbers.pick([0, 0, 0.3, 0.95]);
  const logits = Float32Array.from({ length: vocabulary }, () => {
    const logit = (numbers.uniform() + numbers.uniform() - numbers.uniform() - 0.5) * scale * 4;
    if (numbers.uniform() < holes) return numbers.pick([NaN, -Infinity]);
    return step > 0 ? Math.round(logit / step) * step : logit;
  });
  const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]!);
  const history = Array.from({ length: numbers.pick([0, 1, 5, 16, 40]) }, () =>
    numbers.uniform() < 0.1 ? vocabulary + 3 : order[Math.floor(numbers.uniform() ** 3 * vocabulary)]!,
  );
  return {
    logits,
    history,
    sizes: numbers.pick([
      { candidates: 12, history: 16 },
      { candidates: 128, history: 64 },
    ]),
  };
}

function settings(numbers: Numbers): AppliedSampling {
  return {
    ...OPEN,
    temperature: numbers.pick([0, 0.5, 1, 2]),
    topK: numbers.pick([0, 0, 1, 5, 12, 40, 2000]),
    topP: numbers.pick([1, 1, 0, 0.5, 0.9, 0.999]),
    minP: numbers.pick([0, 0, 0.05, 1]),
    repetitionPenalty: numbers.pick([1, 1.1, 2, 0.7]),
    frequencyPenalty: numbers.pick([0, 0, 0.3, -0.2]),
    presencePenalty: numbers.pick([0, 0, 1, -3]),
    penaltyTokens: numbers.pick([0, 3, 16]),
    seed: Math.floor(numbers.uniform() * 1e6),
  };
}

/** What op sample makes of a position. */
function sampled({ logits, history, sizes }: Position, applied: AppliedSampling, index: number) {
  const recent = recentTokens(history, sizes.history);
  const row = settingsRow(applied, uniform(applied.seed, index));
  const [token, , packed] = sample.reference(
    [
      tensorOf("f32", [1, logits.length], logits),
      tensorOf("i32", [1, recent.length], recent),
      tensorOf("f32", [1, row.length], row),
    ],
    sizes,
    undefined,
  );
  const candidates = unpackCandidates(viewAs(packed!, "f32"), sizes.history);
  return { token: viewAs(token!, "i32")[0], known: candidateLogits(candidates, recent, logits.length) };
}

const outcome = <T>(act: () => T): T | string => {
  try {
    return act();
  } catch (error) {
    return String(error);
  }
};

describe("candidates", () => {
  it("choose the token that the row gives, or do not suffice", () => {
    const numbers = new Numbers(11);
    const count = { decided: 0, limited: 0, limitedDecided: 0, predicted: 0 };
    for (let i = 0; i < 1500; i++) {
      const at = position(numbers);
      const applied = settings(numbers);
      const expected = outcome(() => sampleToken(rowLogits(at.logits), at.history, applied, i));
      const { token, known } = sampled(at, applied, i);
      const actual = outcome(() => sampleToken(known, at.history, applied, i));
      if (actual !== undefined) expect(actual, `${i}: ${JSON.stringify(applied)}`).toBe(expected);
      const limited = applied.temperature === 0 || (applied.topK > 0 && applied.topK <= 5);
      count.decided += actual === undefined ? 0 : 1;
      count.limited += limited ? 1 : 0;
      count.limitedDecided += limited && actual !== undefined ? 1 : 0;
      count.predicted += token === (typeof expected === "number" ? expected : -1) ? 1 : 0;
    }
    expect(count.decided).toBeGreaterThan(1000);
    expect(count.limitedDecided / count.limited).toBeGreaterThan(0.97); // few of 12 places, many of them penalized
    expect(count.predicted / 1500).toBeGreaterThan(0.999); // draws are rounded to float32
  });

  it("decide greedy and top-k choices among 128 always, with 64 penalized tokens among them", () => {
    const numbers = new Numbers(12);
    for (let i = 0; i < 100; i++) {
      const logits = Float32Array.from({ length: 5000 }, () => numbers.uniform() * 20);
      const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]!);
      const history = Array.from({ length: 64 }, (_, n) => order[n * (i % 3)]!);
      const at = { logits, history, sizes: { candidates: 128, history: 64 } };
      const penalties = { repetitionPenalty: 1.3, frequencyPenalty: 0.1, penaltyTokens: 64 };
      const limits = numbers.pick([{ temperature: 0 }, { topK: 40, topP: 0.9, minP: 0.05 }]);
      const applied = { ...OPEN, ...penalties, ...limits, seed: i };
      const { known } = sampled(at, applied, 0);
      expect(sampleToken(known, history, applied, 0)).toBe(
        sampleToken(rowLogits(logits), history, applied, 0),
      );
    }
  });

  it("decide many a draw from a nucleus that reaches beyond them", () => {
    const numbers = new Numbers(14);
    const count = { beyond: 0, decided: 0 };
    for (let i = 0; i < 400; i++) {
      const logits = Float32Array.from({ length: 3000 }, () => numbers.uniform() ** 4 * 12);
      const applied = {
        ...OPEN,
        ...numbers.pick([{ topP: 0.9 }, { topP: 0.98 }, { minP: 0.001 }, { topP: 0.9, minP: 0.0001 }]),
        temperature: numbers.pick([0.3, 0.8, 1, 3]),
        repetitionPenalty: numbers.pick([1, 1.2]),
        seed: i,
      };
      const at = { logits, history: [4, 5, 4], sizes: { candidates: 128, history: 64 } };
      const expected = sampleToken(rowLogits(logits), at.history, applied, 0)!;
      const actual = sampleToken(sampled(at, applied, 0).known, at.history, applied, 0);
      const rank = logits.filter((logit) => logit > logits[expected]!).length;
      count.beyond += rank >= 128 ? 1 : 0;
      count.decided += actual === undefined ? 0 : 1;
      if (actual !== undefined) expect(actual).toBe(expected);
    }
    expect(count.beyond).toBeGreaterThan(10);
    expect(count.decided).toBeGreaterThan(80); // none without the bounds
  });

  it("do not suffice where a high temperature lets many unlikely tokens weigh much", () => {
    const logits = new Float32Array(3000).fill(-4);
    logits.set([3, 0]);
    const at = { logits, history: [], sizes: { candidates: 2, history: 1 } };
    const seed = Array.from({ length: 1000 }, (_, i) => i).find(
      (i) => Math.abs(uniform(i, 0) - 0.02) < 0.01,
    )!;
    const applied = { ...OPEN, topP: 0.99, temperature: 3, seed };
    expect(sampleToken(rowLogits(logits), [], applied, 0)).toBeGreaterThan(1);
    expect(sampleToken(sampled(at, applied, 0).known, [], applied, 0)).toBeUndefined();
    const cool = { ...applied, temperature: 1 };
    expect(sampleToken(sampled(at, cool, 0).known, [], cool, 0)).toBe(0);
  });

  it("do not suffice for a bias, nor for penalties over more tokens than the history has", () => {
    const at = { logits: Float32Array.of(1, 2, 3), history: [2], sizes: { candidates: 2, history: 4 } };
    const decide = (changes: Partial<AppliedSampling>) => {
      const applied = { ...OPEN, temperature: 0, ...changes };
      return sampleToken(sampled(at, applied, 0).known, at.history, applied, 0);
    };
    expect(decide({})).toBe(2);
    expect(decide({ logitBias: new Map([[0, 5]]) })).toBeUndefined();
    expect(decide({ presencePenalty: 0.5, penaltyTokens: 5 })).toBeUndefined();
    expect(decide({ presencePenalty: 0.5, penaltyTokens: 4 })).toBe(2);
  });

  it("do not suffice where a log-sum-exp that is a little off would change the choice", () => {
    const logits = new Float32Array(1000).fill(-9);
    logits.set([2, 2, 2, 2]); // 0.25 each, but for the rest
    const at = { logits, history: [], sizes: { candidates: 8, history: 4 } };
    const share = Math.exp(2) / (4 * Math.exp(2) + 996 * Math.exp(-9));
    const decide = (topP: number) => {
      const applied = { ...OPEN, topP };
      return sampleToken(sampled(at, applied, 0).known, [], applied, 0);
    };
    expect(decide(2 * share)).toBeUndefined();
    expect(decide(2 * share + 1e-3)).toBeDefined();
    expect(decide(2 * share - 1e-3)).toBeDefined();
  });

  it("refuse logits that are not numbers like the row does", () => {
    for (const logits of [
      Float32Array.of(NaN, NaN),
      Float32Array.of(1, Infinity, 2),
      Float32Array.of(-Infinity),
    ]) {
      const { known } = sampled({ logits, history: [], sizes: { candidates: 2, history: 1 } }, OPEN, 0);
      const refused = expect.objectContaining({ code: "BACKEND_FAILED" });
      expect(() => sampleToken(known, [], { ...OPEN, temperature: 0 }, 0)).toThrow(refused);
      expect(() => logprobsOf(known, 0, 0)).toThrow(refused);
    }
  });

  it("give the row's log-probabilities to float32, or do not suffice", () => {
    const numbers = new Numbers(13);
    let given = 0;
    for (let i = 0; i < 500; i++) {
      const at = position(numbers);
      if (!at.logits.some(Number.isFinite)) continue;
      const asked = numbers.pick([0, 3, 12, 20]);
      const applied = { ...OPEN, topK: 30, seed: i };
      const id = sampleToken(rowLogits(at.logits), at.history, applied, 0)!;
      const expected = logprobsOf(rowLogits(at.logits), id, asked)!;
      const actual = logprobsOf(sampled(at, applied, 0).known, id, asked);
      if (actual === undefined) continue;
      given++;
      expect(actual.top.map((other) => other.id)).toEqual(expected.top.map((other) => other.id));
      for (const [n, { logprob }] of [...actual.top, actual].entries()) {
        expect(Math.abs(logprob - [...expected.top, expected][n]!.logprob)).toBeLessThan(1e-5);
      }
    }
    expect(given).toBeGreaterThan(300);
  });
});
