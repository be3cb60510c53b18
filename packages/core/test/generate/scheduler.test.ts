import { describe, expect, it } from "vitest";
import { MilletError } from "../../src/errors.js";
import { KvCache } from "../../src/generate/kv-cache.js";
import { Scheduler } from "../../src/generate/scheduler.js";
import { MockModel, type MockOptions, mockLogits } from "./mock-model.js";

function create(options: MockOptions = {}) {
  const model = new MockModel(options);
  const cache = new KvCache(model.createState(), 4);
  const scheduler = new Scheduler(model, cache, model.steps);
  const open = () => cache.open([], 0);
  return { model, cache, scheduler, open };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const expected = (tokens: readonly number[]) => mockLogits(tokens, 50);

describe("Scheduler", () => {
  it.each([1, 2, 7, 16, 128])("gives the same logits for chunks of %d", async (promptTokens) => {
    const { scheduler, open, model } = create({ promptTokens, promptLogits: 1, maxSequences: 1 });
    const sequence = open();
    const logits = await scheduler.evaluateLast(sequence, range(0, 45), undefined);
    expect(logits).toEqual(expected(range(0, 45)));
    expect(sequence.tokens).toEqual(range(0, 45));
    expect(model.calls.length).toBe(Math.ceil(45 / promptTokens));
  });

  it("reports the logits of every token asked for, in order", async () => {
    const { scheduler, open } = create({ promptLogits: 5 });
    const seen: number[] = [];
    await scheduler.evaluate({
      sequence: open(),
      tokens: range(0, 30),
      firstLogit: 12,
      signal: undefined,
      onLogits: (index, logits) => {
        seen.push(index);
        expect(logits).toEqual(expected(range(0, index + 1)));
      },
    });
    expect(seen).toEqual(range(12, 30));
  });

  it("computes without logits where none are asked for", async () => {
    const { scheduler, open, model } = create();
    const onLogits = () => expect.unreachable();
    const tokens = range(0, 20);
    await scheduler.evaluate({ sequence: open(), tokens, firstLogit: 20, onLogits, signal: undefined });
    expect(model.calls.map(({ logits }) => logits)).toEqual([0, 0]);
  });

  it("batches what is pending together, with the results of running alone", async () => {
    const { scheduler, open, model } = create();
    const prompts = [range(0, 3), range(10, 12), range(20, 27), range(30, 31)];
    const sequences = prompts.map(open);
    const first = await Promise.all(
      sequences.map((s, i) => scheduler.evaluateLast(s, prompts[i]!, undefined)),
    );
    expect(first).toEqual(prompts.map(expected));
    expect(model.calls.length).toBe(1);
    const second = await Promise.all(sequences.map((s) => scheduler.evaluateLast(s, [49], undefined)));
    expect(second).toEqual(prompts.map((prompt) => expected([...prompt, 49])));
    expect(model.calls[1]).toEqual({ graph: "decode", tokens: 4, logits: 4 });
  });

  it("does not let a long prompt hold up the others", async () => {
    const { scheduler, open, model } = create();
    const [long, short] = [open(), open()];
    const order: string[] = [];
    await scheduler.evaluateLast(short, [1], undefined);
    const waiting = scheduler.evaluateLast(long, range(0, 100), undefined).then(() => order.push("long"));
    for (let i = 0; i < 4; i++) {
      await scheduler.evaluateLast(short, [i], undefined);
      order.push("short");
    }
    await waiting;
    expect(order).toEqual(["short", "short", "short", "short", "long"]);
    expect(model.calls.slice(1, 5).every(({ tokens }) => tokens === 16)).toBe(true);
    expect(long.tokens).toEqual(range(0, 100));
  });

  it("aborts one of a batch: its rows are not in the log, and the others do not notice", async () => {
    const { scheduler, open, model } = create({ delayMs: 5 });
    const [stopped, other] = [open(), open()];
    await scheduler.evaluateLast(stopped, range(0, 10), undefined);
    const abort = new AbortController();
    model.onCall = () => setTimeout(() => abort.abort(), 1);
    const results = await Promise.allSettled([
      scheduler.evaluateLast(stopped, range(10, 14), abort.signal),
      scheduler.evaluateLast(other, range(20, 24), undefined),
    ]);
    expect(results[0]).toMatchObject({ status: "rejected", reason: { code: "ABORTED" } });
    expect(results[1]).toEqual({ status: "fulfilled", value: expected(range(20, 24)) });
    expect(stopped.tokens).toEqual(range(0, 10));
    const again = await scheduler.evaluateLast(stopped, range(30, 33), undefined);
    expect(again).toEqual(expected([...range(0, 10), ...range(30, 33)]));
  });

  it("cuts a running call short", async () => {
    const { scheduler, open, model } = create({ delayMs: 10_000 });
    const abort = new AbortController();
    model.onCall = () => setTimeout(() => abort.abort(), 5);
    const begin = performance.now();
    const work = scheduler.evaluateLast(open(), range(0, 4), abort.signal);
    await expect(work).rejects.toMatchObject({ code: "ABORTED" });
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  it("does not start what is aborted already", async () => {
    const { scheduler, open, model } = create();
    const work = scheduler.evaluateLast(open(), [1], AbortSignal.abort());
    await expect(work).rejects.toMatchObject({ code: "ABORTED" });
    expect(model.calls).toEqual([]);
  });

  it("fails all of a failed call and goes on with the next", async () => {
    const { scheduler, open, model } = create();
    const [a, b] = [open(), open()];
    model.failures.push(new MilletError("BACKEND_FAILED", "A kernel failed."));
    const results = await Promise.allSettled([a, b].map((s) => scheduler.evaluateLast(s, [1, 2], undefined)));
    for (const result of results) expect(result).toMatchObject({ reason: { code: "BACKEND_FAILED" } });
    expect(a.tokens).toEqual([]);
    expect(await scheduler.evaluateLast(a, [3], undefined)).toEqual(expected([3]));
  });

  it("fails only the evaluation that finds no room", async () => {
    const { scheduler, open } = create({ maxBlocks: 2 });
    const [big, small] = [open(), open()];
    await scheduler.evaluateLast(big, range(0, 32), undefined);
    const results = await Promise.allSettled([
      scheduler.evaluateLast(small, [7], undefined),
      scheduler.evaluateLast(big, [1], undefined),
    ]);
    expect(results[0]).toEqual({ status: "fulfilled", value: expected([7]) });
    expect(results[1]).toMatchObject({ reason: { code: "OUT_OF_MEMORY" } });
    expect(big.tokens).toEqual(range(0, 32));
  });

  it("refuses more than a sequence can hold", async () => {
    const { scheduler, open } = create({ contextLength: 32 });
    const work = scheduler.evaluateLast(open(), range(0, 33), undefined);
    await expect(work).rejects.toMatchObject({ code: "CONTEXT_FULL" });
  });

  it("hands a failure of the caller's own callback back to it", async () => {
    const { scheduler, open } = create();
    const onLogits = () => {
      throw new RangeError("mine");
    };
    const tokens = [1];
    const work = scheduler.evaluate({ sequence: open(), tokens, firstLogit: 0, onLogits, signal: undefined });
    await expect(work).rejects.toThrow("mine");
  });
});
