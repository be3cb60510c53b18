/**
 * canRun foresees what the shipped model does here: speeds within 25%, memory within 10%. Clocks count processor time, so
 * that others who use the machine take no part of it; they still share its caches and memory.
 */

import { cpu } from "@millet/backend-cpu";
import { canRun, type GenerationTimings, loadModel, type Model } from "@millet/core";
import { model as shipped } from "@millet/model-smollm2-135m-instruct";
import { afterEach, expect, test, vi } from "vitest";

const PROMPT_TOKENS = 128;
const GENERATED_TOKENS = 32;
const ATTEMPTS = 5;
const SPEED_TOLERANCE = 1.25;
const MEMORY_TOLERANCE = 1.1;

afterEach(() => vi.restoreAllMocks());

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const apart = (a: number, b: number) => Math.max(a / b, b / a);

const backend = cpu({ threads: 1 });
const options = { backend, promptTokens: PROMPT_TOKENS, generatedTokens: GENERATED_TOKENS };

/** An answer to a prompt that nobody asked before. */
async function answer(model: Model, prompt: number): Promise<GenerationTimings> {
  const ids = Array.from({ length: PROMPT_TOKENS }, (_, i) => (i * 7919 + prompt) % 40_000);
  const { result } = model.generate(ids, {
    temperature: 0,
    repetitionPenalty: 1,
    maxTokens: GENERATED_TOKENS + 1,
    ignoreEndOfGeneration: true,
  });
  return (await result).timings;
}

// First, and by itself: a process keeps what it has once taken, so that another try would find nothing to take.
test("memory of the shipped model", { timeout: 240_000 }, async () => {
  const rss = process.memoryUsage().rss;
  const model = await loadModel(shipped, { backend });
  try {
    await answer(model, 0);
    const { memory } = (await canRun(shipped, { ...options, measure: false })).backends[0]!;
    expect(apart(rss + memory!.peakBytes, process.memoryUsage().rss)).toBeLessThan(MEMORY_TOLERANCE);
  } finally {
    await model.dispose();
  }
});

test("speeds of the shipped model", { timeout: 240_000 }, async () => {
  vi.spyOn(performance, "now").mockImplementation(() => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  });
  const model = await loadModel(shipped, { backend });
  try {
    const [decodes, prefills]: [number[], number[]] = [[], []];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const measured = await answer(model, attempt);
      const [prediction] = (await canRun(shipped, options)).backends;
      decodes.push(prediction!.decodeTokensPerSecond!.value / measured.decodeTokensPerSecond);
      prefills.push(prediction!.prefillTokensPerSecond!.value / measured.prefillTokensPerSecond);
      if (attempt >= 1 && [decodes, prefills].every((ratios) => apart(median(ratios), 1) < SPEED_TOLERANCE))
        return;
    }
    expect({ decodes, prefills }, "predicted to measured").toBe("within 25%");
  } finally {
    await model.dispose();
  }
});
