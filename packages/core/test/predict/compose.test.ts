/** The arithmetic of predictions, and what is said about them. */
import { describe, expect, test } from "vitest";
import { compose } from "../../src/predict/compose.js";
import { median } from "../../src/predict/median.js";
import type { ProbeTimes } from "../../src/predict/probe.js";
import { scaleOf, type WholeModel } from "../../src/predict/scale-model.js";
import { judgeMemory, judgeSpeed } from "../../src/predict/verdict.js";

const TIMES: ProbeTimes = {
  decode: [11, 11, 11, 11, 11],
  decodeLayers: [8, 8, 8, 8, 8],
  prompt: [100, 100, 100],
  promptChunkTokens: 128,
  sampling: 0.5,
  startMs: 20,
  packMs: 50,
  packedBytes: 1e6,
};
const REQUEST = {
  whole: { layers: 24, vocabulary: 64_000 },
  scale: { layers: 4, vocabulary: 16_000 },
  promptTokens: 256,
  fileBytes: 10e6,
  readBytesPerMs: undefined,
  openMs: 30,
};

describe("compose", () => {
  test("layers and output matrix are scaled each by its own share", () => {
    const { decodeTokensPerSecond, prefillTokensPerSecond, loadMs } = compose(TIMES, REQUEST);
    const end = 4 * (3 + 0.5);
    expect(decodeTokensPerSecond.value).toBeCloseTo(1000 / (6 * 8 + end), 9);
    expect(prefillTokensPerSecond.value).toBeCloseTo(256_000 / (2 * 6 * 100 + end), 9);
    expect(loadMs.value).toBeCloseTo(30 + 20 + 500, 9);
  });

  test("a model that was measured whole is what was measured", () => {
    const { decodeTokensPerSecond } = compose(
      { ...TIMES, sampling: 0 },
      { ...REQUEST, scale: REQUEST.whole },
    );
    expect(decodeTokensPerSecond.value).toBeCloseTo(1000 / 11, 9);
  });

  test("slow files load as slowly as they are read", () => {
    expect(compose(TIMES, { ...REQUEST, readBytesPerMs: 5000 }).loadMs.value).toBeCloseTo(30 + 20 + 2000, 9);
    expect(compose(TIMES, { ...REQUEST, readBytesPerMs: 50_000 }).loadMs.value).toBeCloseTo(30 + 20 + 500, 9);
  });

  test("stalls slow the prediction down, save a single one, and widen its range", () => {
    const times = { ...TIMES, sampling: 0 };
    const steady = compose(times, REQUEST).decodeTokensPerSecond;
    const once = compose(
      { ...times, decode: [11, 11, 11, 11, 11, 11, 11, 11, 110] },
      REQUEST,
    ).decodeTokensPerSecond;
    expect(once.value).toBeCloseTo(steady.value, 9);
    expect(once.high / once.value).toBeGreaterThan(steady.high / steady.value);
    const often = compose(
      { ...times, decode: [11, 11, 33, 11, 11, 33, 11, 11, 33] },
      REQUEST,
    ).decodeTokensPerSecond;
    expect(often.value).toBeCloseTo((steady.value * 3) / 5, 9);
    for (const { value, low, high } of [steady, once, often]) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  test("a head that takes no time makes no time negative", () => {
    const { decodeTokensPerSecond } = compose({ ...TIMES, decodeLayers: [12, 12, 12] }, REQUEST);
    expect(decodeTokensPerSecond.value).toBeGreaterThan(0);
    expect(median([])).toBe(0);
  });
});

describe("the part that is measured", () => {
  const whole = (layers: number, layerMB: number, vocabulary: number, headMB: number): WholeModel => ({
    layers,
    vocabulary,
    layerBytes: layers * layerMB * 1e6,
    headBytes: headMB * 1e6,
    fileBytes: 0,
  });

  test.each([
    ["all of a small model", whole(30, 2, 49_152, 30), { layers: 30, vocabulary: 49_152 }],
    ["some layers, rows enough for 48 MB", whole(24, 28, 64_000, 74), { layers: 4, vocabulary: 41_472 }],
    ["two layers at least", whole(36, 125, 151_680, 350), { layers: 2, vocabulary: 20_736 }],
    ["no more layers than there are", whole(1, 500, 1000, 1), { layers: 1, vocabulary: 1000 }],
  ])("%s", (_, model, scale) => {
    expect(scaleOf(model)).toEqual(scale);
  });
});

describe("verdicts", () => {
  const memory = {
    weightBytes: 800e6,
    kvBytes: 50e6,
    fullKvBytes: 400e6,
    scratchBytes: 20e6,
    hostBytes: 30e6,
    peakBytes: 900e6,
  };
  const speeds = (prefill: number, decode: number) => {
    const exact = (value: number) => ({ value, low: value, high: value });
    return { loadMs: exact(1), prefillTokensPerSecond: exact(prefill), decodeTokensPerSecond: exact(decode) };
  };

  test("what counts is a full context, in the backend's memory and in the machine's", () => {
    expect(judgeMemory(memory, 1250e6, 1250e6)).toBeUndefined();
    expect(judgeMemory(memory, undefined, undefined)).toBeUndefined();
    expect(judgeMemory(memory, 1200e6, undefined)?.reason).toMatch(
      /needs 1\.3 GB with its context full \(800 MB are weights\), and the backend reaches 1\.2 GB\. A shorter/,
    );
    expect(judgeMemory(memory, undefined, 1200e6)).toMatchObject({
      verdict: "does not fit",
      reason: expect.stringContaining("1.2 GB are free"),
    });
  });

  test.each([
    [
      100,
      20,
      "runs well",
      "It writes 20 tokens/s, and the answer to a prompt of 256 tokens begins after 2.6 s.",
    ],
    [100, 4.6, "slow", /Slower than people read \(5 tokens\/s\): 4\.6 tokens\/s/],
    [10, 20, "slow", /A long wait: .* after 26 s\./],
  ])("prefill %d, decode %d: %s", (prefill, decode, verdict, reason) => {
    expect(judgeSpeed(speeds(prefill, decode), 256)).toEqual({
      verdict,
      reason: typeof reason === "string" ? reason : expect.stringMatching(reason),
    });
  });
});
