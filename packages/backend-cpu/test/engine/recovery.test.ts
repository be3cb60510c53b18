/** An answer whose WASM workers die goes on with the same tokens, on new workers. */
import type { Worker } from "node:worker_threads";
import { loadModel, type RecoveryProgress } from "@millet/core";
import smollm2 from "@millet/model-smollm2-135m-instruct";
import { afterEach, expect, test } from "vitest";
import { cpu } from "../../src/index.js";

const PROMPT = "The capital of France is Paris. The capital of Italy is";
const GREEDY = { maxTokens: 12, temperature: 0, ignoreEndOfGeneration: true, logprobs: 1 };
const SAMPLED = { ...GREEDY, temperature: 1, topK: 0, topP: 0.95, minP: 0, seed: 5 };

const workers: Worker[] = [];
const remember = (worker: Worker) => workers.push(worker);
afterEach(() => {
  process.off("worker", remember);
  workers.length = 0;
});

test.each(["shared", "unshared"] as const)("%s memory", async (memory) => {
  process.on("worker", remember);
  const seen: RecoveryProgress["phase"][] = [];
  const model = await loadModel(smollm2, {
    backend: cpu({ engine: "wasm", threads: 2, memory }),
    contextLength: 256,
    onRecovery: ({ phase }) => seen.push(phase),
  });
  const kinds = [GREEDY, SAMPLED];
  const ask = () => kinds.map((options) => model.generate(PROMPT, options));
  const expected = await Promise.all(ask().map(({ result }) => result));
  const old = [...workers];
  const [greedy, sampled] = ask();
  let chunks = 0;
  for await (const _ of greedy!.chunks()) if (++chunks === 4) void old[0]!.terminate();
  const results = await Promise.all([greedy!.result, sampled!.result]);
  results.forEach(({ text, tokenIds, logprobs }, i) => {
    expect({ text, tokenIds }).toEqual({ text: expected[i]!.text, tokenIds: expected[i]!.tokenIds });
    expect(logprobs).toEqual(expected[i]!.logprobs);
  });
  expect(model.backend.recoveries).toMatchObject([
    { reason: { code: "BACKEND_LOST" }, lostBackend: "cpu", backend: "cpu" },
  ]);
  expect([seen[0], seen.at(-1)]).toEqual(["open", "ready"]);
  expect(workers.length).toBe(2 * old.length);
  await workers.at(-1)!.terminate(); // while nothing runs
  expect((await model.generate(PROMPT, GREEDY).result).tokenIds).toEqual(expected[0]!.tokenIds);
  expect(model.backend.recoveries.length).toBe(2);
  const exits = workers.map((worker) =>
    worker.threadId === -1 ? undefined : new Promise((resolve) => worker.once("exit", resolve)),
  );
  await model.dispose();
  await Promise.all(exits);
});
