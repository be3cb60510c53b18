import { describe, expect, it } from "vitest";
import { Engine } from "../../src/generate/engine.js";
import type { GenerateOptions } from "../../src/generate/options.js";
import { rowLogits } from "../../src/generate/position-logits.js";
import { type ResolvedOptions, resolveOptions } from "../../src/generate/resolve-options.js";
import type { GenerationChunk } from "../../src/generate/result.js";
import { logprobsOf, sampleToken } from "../../src/generate/sampler.js";
import { startGeneration } from "../../src/generate/stream.js";
import type { TokenDecoder } from "../../src/generate/text-output.js";
import { MockModel, type MockOptions, mockLogits, supplyOf } from "./mock-model.js";

const VOCABULARY = 50;
const EOS = 49;

/** Token n is the letter number n of "abc...z"; 26 and up are the bytes of "é" in turn: half a character each. */
function decoder(): TokenDecoder {
  let half = false;
  return {
    push(id) {
      if (id < 26) return String.fromCharCode(97 + id);
      half = !half;
      return half ? "" : "é";
    },
    end: () => (half ? "\ufffd" : ""),
  };
}

function create(options: MockOptions = {}) {
  const model = new MockModel({ vocabulary: VOCABULARY, ...options });
  const engine = new Engine(supplyOf(model), model.shape);
  const generate = (prompt: readonly number[], options: GenerateOptions = {}, owner?: object) => {
    const resolved = resolve(options);
    const job = { prompt: { text: undefined, tokenIds: prompt }, options: resolved, decoder: decoder() };
    return startGeneration((emit, signal) => engine.generate(job, emit, signal, owner), options.signal);
  };
  return { model, engine, generate };
}

function resolve(options: GenerateOptions): ResolvedOptions {
  return resolveOptions({ vocabularySize: VOCABULARY, endOfGenerationIds: [EOS] }, { seed: 1 }, options);
}

/** What a generation must give, computed token by token from the mock's rule. */
function expectedIds(prompt: readonly number[], count: number, options: GenerateOptions = {}): number[] {
  const { sampling } = resolve(options);
  const ids: number[] = [];
  while (ids.length < count) {
    const history = [...prompt, ...ids];
    ids.push(sampleToken(rowLogits(mockLogits(history, VOCABULARY)), history, sampling, ids.length)!);
  }
  return ids;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const FREE = { ignoreEndOfGeneration: true };

describe("Engine.generate", () => {
  it("gives the tokens that the sampler chooses, one by one", async () => {
    const { generate } = create();
    const { tokenIds, finishReason, reusedTokens } = await generate([1, 2, 3], { maxTokens: 20, ...FREE })
      .result;
    expect(tokenIds).toEqual(expectedIds([1, 2, 3], 20));
    expect(finishReason).toBe("length");
    expect(reusedTokens).toBe(0);
  });

  it("is the same alone, side by side, and for any chunk size", async () => {
    const prompts = [range(0, 40), [5], range(7, 12), range(20, 45), [5, 6], range(1, 30)];
    const options = (seed: number) => ({
      maxTokens: 12,
      seed,
      temperature: 2,
      topK: 0,
      topP: 1,
      minP: 0,
      ...FREE,
    });
    const expected = prompts.map((prompt, i) => expectedIds(prompt, 12, options(i)));
    for (const promptTokens of [4, 16, 128]) {
      for (const maxSequences of [1, 2, 4]) {
        const { generate } = create({ promptTokens, maxSequences });
        const all = await Promise.all(prompts.map((prompt, i) => generate(prompt, options(i)).result));
        expect(all.map(({ tokenIds }) => tokenIds)).toEqual(expected);
      }
    }
  });

  it("batches generations that run side by side", async () => {
    const { generate, model } = create();
    await Promise.all([1, 2, 3, 4].map((token) => generate([token], { maxTokens: 10, ...FREE }).result));
    expect(model.calls.length).toBe(10);
    expect(model.calls.every(({ tokens }) => tokens === 4)).toBe(true);
  });

  it("streams the text and gives the same in the end", async () => {
    const { generate } = create();
    const stream = generate([1], { maxTokens: 30, ...FREE });
    let text = "";
    for await (const piece of stream) {
      expect(piece).not.toBe("");
      text += piece;
    }
    const result = await stream.result;
    const whole = decoder();
    const expected =
      expectedIds([1], 30)
        .map((id) => whole.push(id))
        .join("") + whole.end();
    expect(text).toBe(expected);
    expect(result.text).toBe(expected);
  });

  it("gives chunks whose tokens and log-probabilities add up, whole characters only", async () => {
    const { generate } = create();
    const stream = generate([1], { maxTokens: 30, logprobs: 2, ...FREE });
    const chunks: GenerationChunk[] = [];
    for await (const chunk of stream.chunks()) chunks.push(chunk);
    const { tokenIds, logprobs } = await stream.result;
    expect(chunks.flatMap((chunk) => chunk.tokenIds)).toEqual(tokenIds);
    expect(chunks.flatMap((chunk) => chunk.logprobs)).toEqual(logprobs);
    expect(chunks.slice(0, -1).some(({ text }) => text.includes("\ufffd"))).toBe(false);
    const expected = tokenIds.map((id, i) =>
      logprobsOf(rowLogits(mockLogits([1, ...tokenIds.slice(0, i)], VOCABULARY)), id, 2),
    );
    expect(logprobs).toEqual(expected);
  });

  it("ends at an end-of-generation token, which is not part of the text", async () => {
    const { generate } = create();
    const logitBias = { [EOS]: 5 };
    const ids = expectedIds([3], 60, { logitBias });
    const { tokenIds, finishReason, stoppedBy } = await generate([3], { logitBias }).result;
    expect(tokenIds).toEqual(ids.slice(0, ids.indexOf(EOS)));
    expect([finishReason, stoppedBy]).toEqual(["stop", EOS]);
  });

  it("ends at a stop token of the caller's", async () => {
    const { generate } = create();
    const ids = expectedIds([3], 5);
    const { tokenIds, stoppedBy } = await generate([3], { stopTokens: [ids[4]!], maxTokens: 9, ...FREE })
      .result;
    expect(tokenIds).toEqual(ids.slice(0, ids.indexOf(ids[4]!)));
    expect(stoppedBy).toBe(ids[4]);
  });

  it("ends before a stop string, which may span tokens", async () => {
    const { generate } = create();
    const free = await generate([3], { maxTokens: 40, ...FREE }).result;
    const stop = free.text.slice(6, 8);
    const stream = generate([3], { maxTokens: 40, stop: ["never", stop], ...FREE });
    let text = "";
    for await (const piece of stream) text += piece;
    const result = await stream.result;
    expect(text).toBe(free.text.slice(0, free.text.indexOf(stop)));
    expect(result).toMatchObject({ text, finishReason: "stop-string", stoppedBy: stop });
  });

  it("computes the prompt alone for maxTokens 0, and then reuses it", async () => {
    const { generate, model } = create();
    const prompt = range(0, 20);
    const { tokenIds, finishReason } = await generate(prompt, { maxTokens: 0 }).result;
    expect([tokenIds, finishReason]).toEqual([[], "length"]);
    model.calls.length = 0;
    const { reusedTokens, timings } = await generate(prompt, { maxTokens: 1 }).result;
    expect([reusedTokens, timings.prefillTokens]).toEqual([19, 1]);
    expect(model.calls.map(({ tokens }) => tokens)).toEqual([1]);
  });

  it("reuses what an earlier generation computed, with the same result", async () => {
    const { generate } = create();
    const first = await generate(range(0, 40), { maxTokens: 5, ...FREE }).result;
    const prompt = [...range(0, 40), ...first.tokenIds, 9];
    const second = await generate(prompt, { maxTokens: 5, ...FREE }).result;
    expect(second.reusedTokens).toBe(44); // the last token was chosen but never computed
    expect(second.tokenIds).toEqual(expectedIds(prompt, 5));
    const branch = await generate([...range(0, 40), 2], { maxTokens: 5, ...FREE }).result;
    expect(branch.reusedTokens).toBe(40);
    expect(branch.tokenIds).toEqual(expectedIds([...range(0, 40), 2], 5));
  });

  it("reports the prompt, the settings and sensible times", async () => {
    const { generate } = create({ delayMs: 2 });
    const { prompt, sampler, timings } = await generate([1, 2], { maxTokens: 4, topK: 7, seed: 5, ...FREE })
      .result;
    expect(prompt).toEqual({ text: undefined, tokenIds: [1, 2] });
    expect(sampler).toMatchObject({ topK: 7, seed: 5 });
    expect(timings).toMatchObject({ prefillTokens: 2, decodeTokens: 3 });
    expect(timings.prefillMs).toBeGreaterThan(1);
    expect(timings.decodeMs).toBeGreaterThan(3);
    expect(timings.decodeTokensPerSecond).toBeCloseTo(3000 / timings.decodeMs, 6);
    expect(timings.timeToFirstTokenMs).toBeGreaterThanOrEqual(timings.prefillMs);
    expect(timings.elapsedMs).toBeGreaterThanOrEqual(timings.prefillMs + timings.decodeMs);
  });

  it("refuses an empty prompt", async () => {
    await expect(create().generate([]).result).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("a full context", () => {
  it("refuses a prompt that does not fit, before computing anything", async () => {
    const { generate, model } = create({ contextLength: 40 });
    const stream = generate(range(0, 41));
    await expect(stream.result).rejects.toMatchObject({ code: "CONTEXT_FULL" });
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "CONTEXT_FULL" });
    expect(model.calls).toEqual([]);
  });

  it("ends a text that fills it, and keeps the text", async () => {
    const { generate } = create({ contextLength: 40 });
    const { tokenIds, finishReason } = await generate(range(0, 30), FREE).result;
    expect(finishReason).toBe("context-full");
    expect(tokenIds).toEqual(expectedIds(range(0, 30), 11)); // the last one needs no row
  });

  it("slides on request: the beginning and the newer half go on as if they were the prompt", async () => {
    const { generate } = create({ contextLength: 40 });
    const options = { maxTokens: 28, onContextFull: "slide", keepTokens: 6, ...FREE } as const;
    const { tokenIds, droppedTokens, finishReason } = await generate(range(0, 30), options).result;
    expect(finishReason).toBe("length");
    // Full with 40 of 41 tokens: 6 are kept and the newest (40 - 6) / 2 = 17 of the others.
    const before = expectedIds(range(0, 30), 11);
    expect(tokenIds.slice(0, 11)).toEqual(before);
    expect(droppedTokens).toBe(41 - 23);
    const all = [...range(0, 30), ...tokenIds];
    for (let n = 11; n < 28; n++) {
      const seen = [...all.slice(0, 6), ...all.slice(41 - 17, 30 + n)];
      const history = all.slice(0, 30 + n);
      const { sampling } = resolve(options);
      expect(tokenIds[n]).toBe(sampleToken(rowLogits(mockLogits(seen, VOCABULARY)), history, sampling, n));
    }
  });

  it("slides a prompt that is too long", async () => {
    const { generate } = create({ contextLength: 40 });
    const options = {
      maxTokens: 3,
      onContextFull: "slide",
      keepTokens: 4,
      penaltyTokens: 0,
      ...FREE,
    } as const;
    const { tokenIds, droppedTokens } = await generate(range(0, 48), options).result;
    expect(droppedTokens).toBe(48 - 22);
    expect(tokenIds).toEqual(expectedIds([0, 1, 2, 3, ...range(30, 48)], 3, options));
  });
});

describe("stopping", () => {
  it("ends normally when aborted, with what there is, and the engine goes on", async () => {
    const { generate } = create({ delayMs: 1 });
    const abort = new AbortController();
    const stream = generate([4], { signal: abort.signal, ...FREE });
    let text = "";
    for await (const piece of stream) {
      text += piece;
      if (text.length === 8) abort.abort();
    }
    const result = await stream.result;
    expect(result.finishReason).toBe("aborted");
    expect(result.text).toBe(text);
    expect(result.tokenIds).toEqual(expectedIds([4], result.tokenIds.length));
    const prompt = [4, ...result.tokenIds, 7];
    const next = await generate(prompt, { maxTokens: 5, ...FREE }).result;
    expect(next.tokenIds).toEqual(expectedIds(prompt, 5));
    expect(next.reusedTokens).toBeGreaterThan(0);
  });

  it("stops when the loop is left", async () => {
    const { generate, model } = create();
    const stream = generate([4], FREE);
    for await (const _ of stream) break;
    expect((await stream.result).finishReason).toBe("aborted");
    const calls = model.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(model.calls.length).toBe(calls);
  });

  it("cuts a running call short", async () => {
    const { generate, model } = create({ delayMs: 10_000 });
    const stream = generate([4]);
    model.onCall = () => setTimeout(() => stream.abort(), 5);
    const { finishReason, text } = await stream.result;
    expect([finishReason, text]).toEqual(["aborted", ""]);
  });

  it("does nothing for a signal that fired before, or while it waits for others", async () => {
    const { generate, model } = create({ maxSequences: 1, delayMs: 2 });
    expect((await generate([1], { signal: AbortSignal.abort() }).result).finishReason).toBe("aborted");
    expect(model.calls).toEqual([]);
    const busy = generate([1], { maxTokens: 5, ...FREE });
    const waiting = generate([2], FREE);
    waiting.abort();
    expect((await waiting.result).finishReason).toBe("aborted");
    expect((await busy.result).tokenIds).toEqual(expectedIds([1], 5));
    expect((await generate([2], { maxTokens: 2, ...FREE }).result).tokenIds).toEqual(expectedIds([2], 2));
  });

  it("throws a failure in the loop and in the result, and goes on afterwards", async () => {
    const { generate, model } = create();
    const { MilletError } = await import("../../src/errors.js");
    model.failures.push(new MilletError("BACKEND_FAILED", "A kernel trapped."));
    const stream = generate([1]);
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toMatchObject({ code: "BACKEND_FAILED" });
    await expect(stream.result).rejects.toMatchObject({ code: "BACKEND_FAILED" });
    expect((await generate([1], { maxTokens: 3, ...FREE }).result).tokenIds).toEqual(expectedIds([1], 3));
  });

  it("is read once", async () => {
    const stream = create().generate([1], { maxTokens: 1 });
    stream.chunks();
    expect(() => stream.chunks()).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    await stream.result;
  });

  it("is stopped by dispose, which waits for it and frees the cache", async () => {
    const { generate, engine, model } = create({ delayMs: 5 });
    const stream = generate([1], FREE);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await engine.dispose();
    expect((await stream.result).finishReason).toBe("aborted");
    expect(model.states[0]!.disposed).toBe(true);
    await expect(generate([1]).result).rejects.toMatchObject({ code: "DISPOSED" });
  });
});

describe("memory of the cache", () => {
  it("frees what an owner's last generation left", async () => {
    const { generate, engine } = create();
    const owner = {};
    await generate(range(0, 20), { maxTokens: 1 }, owner).result;
    engine.forget(owner);
    engine.forget(owner);
    expect((await generate(range(0, 20), { maxTokens: 1 }).result).reusedTokens).toBe(0);
  });

  it("says what to do when running generations hold everything", async () => {
    const { generate } = create({ maxBlocks: 2 });
    const results = await Promise.allSettled(
      [1, 2, 3].map((token) => generate([token], { maxTokens: 40, ...FREE }).result),
    );
    const failed = results.filter((result) => result.status === "rejected");
    expect(failed.length).toBeGreaterThan(0);
    for (const { reason } of failed) {
      expect(reason).toMatchObject({
        code: "OUT_OF_MEMORY",
        message: expect.stringContaining("kvCapacityTokens"),
      });
    }
    expect((await generate([1], { maxTokens: 40, ...FREE }).result).tokenIds).toEqual(expectedIds([1], 40));
  });
});

describe("Engine.score", () => {
  const ids = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4];
  const logprob = (i: number) =>
    logprobsOf(rowLogits(mockLogits(ids.slice(0, i), VOCABULARY)), ids[i]!, 0)!.logprob;

  it.each([1, 5, 19])("gives each token's log-probability from token %d on", async (first) => {
    const { engine } = create();
    const { logprobs, perplexity } = await engine.score(ids, first, undefined);
    const expected = range(first, ids.length).map(logprob);
    expect(Array.from(logprobs)).toEqual(expected);
    expect(perplexity).toBeCloseTo(Math.exp(-expected.reduce((a, b) => a + b) / expected.length), 9);
  });

  it("gives the same when the beginning is cached", async () => {
    const { engine } = create();
    const before = await engine.score(ids, 8, undefined);
    expect((await engine.score(ids, 8, undefined)).logprobs).toEqual(before.logprobs);
    expect((await engine.score(ids, 1, undefined)).logprobs.slice(7)).toEqual(before.logprobs);
  });

  it("refuses what cannot be scored, and aborts", async () => {
    const { engine } = create({ contextLength: 32 });
    await expect(engine.score([1], 1, undefined)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(engine.score(ids, 0, undefined)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(engine.score(range(0, 34), 1, undefined)).rejects.toMatchObject({ code: "CONTEXT_FULL" });
    await expect(engine.score(ids, 1, AbortSignal.abort())).rejects.toMatchObject({ code: "ABORTED" });
  });
});
