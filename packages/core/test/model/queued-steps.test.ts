/** Steps queued on a device that samples: the same texts, little to read, nothing left behind whatever interrupts them. */
import { beforeAll, describe, expect, it } from "vitest";
import {
  type LoadModelOptions,
  loadModel,
  type Model,
  type Prompt,
  type PromptOptions,
} from "../../src/index.js";
import { tinyModel } from "./tiny-model.js";
import { Watch, type WatchOptions, watched } from "./watched-backend.js";

const PROMPT = "Once upon a time, ";
const FREE = { ignoreEndOfGeneration: true, seed: 7 };
/** Bytes of a row of candidates: 4 + 2 * 128 + 64 numbers. */
const CANDIDATE_BYTES = 1296;
const ROW_BYTES = 4 * 258;

let bytes: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  bytes = await tinyModel();
});

interface Site {
  readonly model: Model;
  readonly watch: Watch;
}

async function using<T>(
  options: WatchOptions & Partial<LoadModelOptions>,
  body: (site: Site) => Promise<T>,
): Promise<T> {
  const watch = new Watch();
  const model = await loadModel(bytes, { ...options, backend: watched(watch, options) });
  try {
    return await body({ model, watch });
  } finally {
    await model.dispose();
    expect(watch.live.size).toBe(0);
  }
}

/** What a backend that does not sample gives. */
function plainly(options: PromptOptions, load: Partial<LoadModelOptions> = {}, prompt: Prompt = PROMPT) {
  return using({ ...load, samples: false, delayMs: 0 }, async ({ model, watch }) => {
    const result = await model.generate(prompt, options).result;
    expect(watch.runs.some(({ queued }) => queued)).toBe(false);
    return result;
  });
}

const SETTINGS: Readonly<Record<string, PromptOptions>> = {
  "the default settings": {},
  greedy: { temperature: 0 },
  "greedy without penalties": { temperature: 0, repetitionPenalty: 1 },
  "top-k": { topK: 7, temperature: 1.3, minP: 0, topP: 1 },
  "top-p": { topK: 0, topP: 0.7, minP: 0, temperature: 1 },
  "min-p and penalties over a few tokens": {
    topK: 0,
    topP: 1,
    minP: 0.1,
    presencePenalty: 1,
    penaltyTokens: 5,
  },
  "no limits": { topK: 0, topP: 1, minP: 0, temperature: 1 },
  "a bias": { logitBias: { 65: 8, 66: -Infinity } },
  "penalties over more tokens than the device knows": { penaltyTokens: 100 },
  "log-probabilities": { logprobs: 3, temperature: 1 },
  "more log-probabilities than candidates": { logprobs: 200 },
};

describe("texts", () => {
  it.each(Object.entries(SETTINGS))("are the same with %s", async (_, settings) => {
    const options = { ...settings, ...FREE, maxTokens: 90 };
    const expected = await plainly(options);
    await using({}, async ({ model }) => {
      const { tokenIds, finishReason, logprobs } = await model.generate(PROMPT, options).result;
      expect(tokenIds).toEqual(expected.tokenIds);
      expect(finishReason).toBe("length");
      expect(logprobs?.map(({ top }) => top.map(({ id }) => id))).toEqual(
        expected.logprobs?.map(({ top }) => top.map(({ id }) => id)),
      );
      for (const [i, { logprob }] of (logprobs ?? []).entries()) {
        expect(logprob).toBeCloseTo(expected.logprobs![i]!.logprob, 4);
      }
    });
  });

  it("end where stop tokens, stop strings and the context end them", async () => {
    const full = await plainly({ ...FREE, maxTokens: 40 });
    const text = full.text;
    for (const options of [
      { ...FREE, stopTokens: [full.tokenIds[17]!], maxTokens: 40 },
      { ...FREE, stop: text.slice(12, 15), maxTokens: 40 },
      { ...FREE, maxTokens: 1 },
      { ...FREE, maxTokens: 2 },
      { ...FREE, maxTokens: 3 },
    ]) {
      const expected = await plainly(options);
      await using({}, async ({ model, watch }) => {
        const { text, finishReason, tokenIds } = await model.generate(PROMPT, options).result;
        expect({ text, finishReason, tokenIds }).toMatchObject({
          text: expected.text,
          finishReason: expected.finishReason,
          tokenIds: expected.tokenIds,
        });
        if (finishReason === "length") expect(watch.runs.length).toBe(tokenIds.length); // no step too many
      });
    }
    const short = { contextLength: 32 };
    const expected = await plainly(FREE, short);
    await using(short, async ({ model, watch }) => {
      const result = await model.generate(PROMPT, FREE).result;
      expect(result.finishReason).toBe("context-full");
      expect(result.tokenIds).toEqual(expected.tokenIds);
      expect(watch.runs.length).toBe(result.tokenIds.length);
    });
  });

  it("slide over the end of the context", async () => {
    const options = { ...FREE, maxTokens: 100, onContextFull: "slide" } as const;
    const load = { contextLength: 40, kvCapacityTokens: 64 };
    const expected = await plainly(options, load);
    await using(load, async ({ model }) => {
      const result = await model.generate(PROMPT, options).result;
      expect(result.tokenIds).toEqual(expected.tokenIds);
      expect(result.droppedTokens).toBe(expected.droppedTokens);
    });
  });

  it("are the same where there is no memory to look ahead", async () => {
    const load = { contextLength: 64, kvCapacityTokens: 64, maxSequences: 1 };
    const options = { ...FREE, maxTokens: 46 };
    const expected = await plainly(options, load);
    await using(load, async ({ model }) => {
      expect((await model.generate(PROMPT, options).result).tokenIds).toEqual(expected.tokenIds);
    });
  });
});

describe("reads", () => {
  it.each([
    ["greedy", { temperature: 0 }],
    ["the default settings", {}],
    ["top-k and log-probabilities", { topK: 100, temperature: 1, logprobs: 5 }],
  ])("are one row of candidates a token with %s, four steps at a time", async (_, settings) => {
    await using({}, async ({ model, watch }) => {
      const { logitRowsRead } = await model.generate(PROMPT, { ...settings, ...FREE, maxTokens: 50 }).result;
      expect(logitRowsRead).toBe(0);
      expect(watch.count("candidates")).toBe(50);
      expect(watch.bytes).toBe(50 * CANDIDATE_BYTES);
      expect(watch.bytes / 50).toBeLessThanOrEqual(4096);
      expect(watch.runs.filter(({ queued }) => queued).length).toBe(49);
      expect(watch.mostInFlight).toBe(4);
    });
  });

  it("take the row where the candidates do not suffice", async () => {
    await using({}, async ({ model, watch }) => {
      const wide = { ...FREE, maxTokens: 20, topK: 0, topP: 1, minP: 0 };
      expect((await model.generate(PROMPT, wide).result).logitRowsRead).toBe(20);
      expect(watch.reads).toEqual(Array(20).fill({ output: "logits", bytes: ROW_BYTES }));
      expect(watch.mostInFlight).toBe(1);
      watch.reset();
      await model.generate(PROMPT, { ...FREE, maxTokens: 20, logitBias: { 65: 1 } }).result;
      expect(watch.reads).toEqual(Array(20).fill({ output: "logits", bytes: ROW_BYTES }));
      expect(watch.mostInFlight).toBe(1);
    });
  });

  it("are rows of logits on a backend that does not sample", async () => {
    await using({ samples: false }, async ({ model, watch }) => {
      await model.generate(PROMPT, { ...FREE, maxTokens: 20 }).result;
      expect(watch.reads).toEqual(Array(20).fill({ output: "logits", bytes: ROW_BYTES }));
    });
  });
});

describe("queued steps", () => {
  it("are void after a token that the host chooses otherwise", async () => {
    const options = { ...FREE, maxTokens: 60 };
    const expected = await plainly(options);
    for (const isWrong of [(step: number) => step % 7 === 3, () => true]) {
      await using({ isWrong }, async ({ model, watch }) => {
        expect((await model.generate(PROMPT, options).result).tokenIds).toEqual(expected.tokenIds);
        expect(watch.runs.length).toBeGreaterThan(65);
        expect(watch.runs.length).toBeLessThan(110); // after a void step fewer are queued: not three in vain for each
        const text = [...expected.prompt.tokenIds, ...expected.tokenIds];
        const follow = await model.generate(text, { ...options, maxTokens: 30 }).result;
        expect(follow.reusedTokens).toBe(text.length - 1); // the log holds the text and nothing else
        const fresh = await plainly({ ...options, maxTokens: 30 }, {}, text);
        expect(follow.tokenIds).toEqual(fresh.tokenIds);
      });
    }
  });

  it("are void when the text is aborted or left, and do not hurt the next", async () => {
    const options = { ...FREE, maxTokens: 100 };
    const expected = await plainly(options);
    await using({ delayMs: 3 }, async ({ model, watch }) => {
      for (const tokens of [1, 2, 9]) {
        const stream = model.generate(PROMPT, options);
        let seen = 0;
        for await (const chunk of stream.chunks()) {
          seen += chunk.tokenIds.length;
          if (seen >= tokens) break;
        }
        const { tokenIds, finishReason } = await stream.result;
        expect(finishReason).toBe("aborted");
        expect(tokenIds.length).toBeLessThan(60);
        expect(tokenIds).toEqual(expected.tokenIds.slice(0, tokenIds.length));
      }
      const again = await model.generate(PROMPT, options).result;
      expect(again.tokenIds).toEqual(expected.tokenIds);
      expect(again.reusedTokens).toBe(PROMPT.length - 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(watch.inFlight).toBe(0);
    });
  });

  it("make room for a newcomer without being computed in vain", async () => {
    const options = (seed: number) => ({ ...FREE, seed, maxTokens: 60 });
    const expected = await Promise.all([1, 2, 3].map((seed) => plainly(options(seed))));
    await using({}, async ({ model, watch }) => {
      const first = model.generate(PROMPT, options(1));
      const results: Promise<unknown>[] = [];
      let seen = 0;
      for await (const chunk of first.chunks()) {
        seen += chunk.tokenIds.length;
        if (seen === 10) results.push(model.generate(PROMPT, options(2)).result);
        if (seen === 20) results.push(model.generate(PROMPT, options(3)).result);
      }
      const all = [await first.result, ...(await Promise.all(results))];
      expect(all).toMatchObject(expected.map(({ tokenIds }) => ({ tokenIds })));
      expect(watch.runs.some(({ rows }) => rows === 3)).toBe(true); // side by side
      const used = watch.runs.reduce((sum, { rows }) => sum + rows, 0);
      expect(used).toBe(3 * (PROMPT.length + 59)); // what was queued when a newcomer came was used up first
      expect(watch.mostInFlight).toBe(4);
    });
  });

  it("are freed when the model is disposed of while they run", async () => {
    const watch = new Watch();
    const model = await loadModel(bytes, { backend: watched(watch, { delayMs: 3 }) });
    const stream = model.generate(PROMPT, { ...FREE, maxTokens: 200 });
    for await (const _ of stream.chunks()) break;
    await model.dispose();
    expect((await stream.result).finishReason).toBe("aborted");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(watch.live.size).toBe(0);
  });
});
