/**
 * The shipped model on the CPU backend against the reference backend, over the first 2,048 tokens of a real text.
 * fixtures/smollm2/wikitext2.reference.json was made by scripts/record-reference.ts.
 */
import { readFileSync } from "node:fs";
import { cpu } from "@millet/backend-cpu";
import { loadModel, MilletError } from "@millet/core";
import smollm2 from "@millet/model-smollm2-135m-instruct";
import { expect, test } from "vitest";
import { describeWith, sharedData } from "../../../test/support/availability.js";

interface Recorded {
  readonly tokens: number;
  readonly perplexity: number;
  /** Of tokens 1 .. tokens - 1. */
  readonly logprobs: readonly number[];
}

const file = new URL("../../../fixtures/smollm2/wikitext2.reference.json", import.meta.url);
const recorded: Recorded = JSON.parse(readFileSync(file, "utf8"));

describeWith(sharedData("text/wikitext2-raw-test.txt"), "perplexity of the shipped model", (path) => {
  // WASM gives the same bits as native (decision 7), so it needs no more than the usual type of the KV cache.
  test.for([
    ["wasm", undefined],
    ["native", undefined],
    ["native", "f32"],
    ["native", "q8_0"],
  ] as const)(
    "%s, KV cache %s: within 0.5% of the reference's",
    { timeout: 120_000 },
    async ([engine, kvDType], { skip }) => {
      const backend = cpu({ engine, threads: 2 });
      const options = { backend, contextLength: recorded.tokens, maxSequences: 1, kvDType };
      const model = await loadModel(smollm2, options).catch((error: unknown) => {
        if (engine === "native" && error instanceof MilletError && error.code === "BACKEND_UNAVAILABLE")
          skip(error.message);
        throw error;
      });
      const ids = model.tokenizer
        .encode(readFileSync(path, "utf8").slice(0, 40_000))
        .slice(0, recorded.tokens);
      const { perplexity, logprobs } = await model.score([...ids]);
      await model.dispose();
      console.log(
        `${engine}, KV cache ${kvDType ?? "as usual"}: perplexity ${perplexity}, ${perplexity / recorded.perplexity - 1}`,
      );
      expect(Math.abs(perplexity / recorded.perplexity - 1)).toBeLessThan(0.005);
      // The means could agree by chance; token by token the int8 activations cost a few hundredths.
      const apart = recorded.logprobs.map((value, i) => Math.abs(logprobs[i]! - value)).sort((a, b) => a - b);
      expect(apart[apart.length >> 1]).toBeLessThan(0.05);
      expect(apart[Math.floor(apart.length * 0.99)]).toBeLessThan(0.5);
    },
  );
});
