/** What `millet chat -p "What is the capital of France?"` answers with its defaults, for twenty seeds. */
import { loadModel } from "@millet/core";
import { expect, test } from "vitest";
import { chooseBackend } from "../src/backends.js";
import { resolveModel } from "../src/models.js";

const SEEDS = 20;
/** The answer must name it early, not somewhere in a ramble. */
const MAX_TOKENS = 64;

test("the shipped model names Paris for at least 19 of 20 seeds", async () => {
  const { source } = await resolveModel(undefined);
  const backend = chooseBackend({ backend: "cpu", engine: "wasm", threads: undefined });
  const model = await loadModel(source, { backend });
  const prompt = [{ role: "user", content: "What is the capital of France?" }];
  const runs = Array.from({ length: SEEDS }, (_, seed) =>
    model.generate(prompt, { seed, maxTokens: MAX_TOKENS }),
  );
  const texts = await Promise.all(runs.map(async ({ result }) => (await result).text));
  await model.dispose();
  const wrong = texts.filter((text) => !text.includes("Paris"));
  expect(wrong.length, wrong.join("\n")).toBeLessThanOrEqual(1);
});
