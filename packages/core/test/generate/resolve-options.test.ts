import { describe, expect, it } from "vitest";
import { DEFAULT_SAMPLING, type GenerateOptions } from "../../src/generate/options.js";
import { resolveOptions } from "../../src/generate/resolve-options.js";

const model = { vocabularySize: 100, endOfGenerationIds: [2] };

describe("resolveOptions", () => {
  it("fills in defaults and a random seed", () => {
    const { sampling, maxTokens, stopTokens } = resolveOptions(model);
    expect(sampling).toMatchObject(DEFAULT_SAMPLING);
    expect(sampling.seed).toBeGreaterThanOrEqual(0);
    expect(resolveOptions(model).sampling.seed).not.toBe(sampling.seed);
    expect(maxTokens).toBe(Infinity);
    expect([...stopTokens]).toEqual([2]);
  });

  it("lets later layers win, except where they say undefined", () => {
    const layers = [
      { topK: 5, topP: 0.5 },
      { topK: undefined, topP: 0.6 },
    ];
    expect(resolveOptions(model, ...layers).sampling).toMatchObject({ topK: 5, topP: 0.6 });
  });

  it("takes bias as an object or a map", () => {
    const expected = new Map([[7, -1]]);
    expect(resolveOptions(model, { logitBias: { 7: -1 } }).sampling.logitBias).toEqual(expected);
    expect(resolveOptions(model, { logitBias: new Map([[7, -1]]) }).sampling.logitBias).toEqual(expected);
  });

  it("ignores the end of generation only if told to", () => {
    expect([...resolveOptions(model, { ignoreEndOfGeneration: true, stopTokens: [5] }).stopTokens]).toEqual([
      5,
    ]);
  });

  const bad: GenerateOptions[] = [
    { temperature: -1 },
    { temperature: Number.NaN },
    { topK: 1.5 },
    { topP: 1.1 },
    { minP: -0.1 },
    { repetitionPenalty: 0 },
    { penaltyTokens: -1 },
    { seed: -1 },
    { seed: 2 ** 53 },
    { maxTokens: -1 },
    { stop: "" },
    { stop: ["a", ""] },
    { stopTokens: [100] },
    { logprobs: 101 },
    { logitBias: { 100: 1 } },
    { logitBias: { 1: Infinity } },
    { keepTokens: 0.5 },
  ];
  it.each(bad)("refuses %o, naming the option", (options) => {
    const expected = { code: "INVALID_ARGUMENT", message: expect.stringContaining(Object.keys(options)[0]!) };
    expect(() => resolveOptions(model, options)).toThrow(expect.objectContaining(expected));
  });
});
