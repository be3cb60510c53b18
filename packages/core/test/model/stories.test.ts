/** A real trained model end to end: file, tokenizer, scheduler, sampler, on the reference backend. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import { loadModel, type Model, reference } from "../../src/index.js";

interface Recorded {
  readonly prompt_ids: readonly number[];
  readonly greedy_ids: readonly number[];
  readonly text: string;
}

const GREEDY = { temperature: 0, repetitionPenalty: 1, ignoreEndOfGeneration: true };

describeWith(sharedData("models"), "stories260K", (folder) => {
  const expected: Recorded = JSON.parse(readFileSync(`${folder}/stories260K.expected.json`, "utf8"));
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(`${folder}/stories260K.gguf`, { backend: reference(), promptChunkTokens: 16 });
  });
  afterAll(() => model.dispose());

  test("200 greedy tokens, in batches with other generations", async () => {
    const stream = model.generate(expected.prompt_ids, { ...GREEDY, maxTokens: 200 });
    const others = ["Once upon a time", "Tim and Lily"].map((prompt) =>
      model.generate(prompt, { ...GREEDY, maxTokens: 12 }),
    );
    let text = "";
    for await (const piece of stream) text += piece;
    const { tokenIds, finishReason } = await stream.result;
    expect(tokenIds).toEqual(expected.greedy_ids);
    expect(finishReason).toBe("length");
    expect(text.trim()).toBe(expected.text.trim());
    for (const other of others) expect((await other.result).tokenIds.length).toBe(12);
  });

  test("a prompt in chunks goes on as the recorded text does", async () => {
    const prompt = [...expected.prompt_ids, ...expected.greedy_ids.slice(0, 150)];
    const fresh = await loadModel(`${folder}/stories260K.gguf`, {
      backend: reference(),
      promptChunkTokens: 7,
    });
    const { tokenIds, reusedTokens } = await fresh.generate(prompt, { ...GREEDY, maxTokens: 10 }).result;
    expect(reusedTokens).toBe(0);
    expect(tokenIds).toEqual(expected.greedy_ids.slice(150, 160));
    await fresh.dispose();
  });

  test("an abort stops prefill soon and keeps the model usable", async () => {
    const stream = model.generate("One day, ".repeat(40), GREEDY);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const begin = performance.now();
    stream.abort();
    expect((await stream.result).finishReason).toBe("aborted");
    expect(performance.now() - begin).toBeLessThan(1000);
    const { tokenIds } = await model.generate(expected.prompt_ids, { ...GREEDY, maxTokens: 5 }).result;
    expect(tokenIds).toEqual(expected.greedy_ids.slice(0, 5));
  });
});
