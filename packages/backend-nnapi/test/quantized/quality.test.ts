/**
 * What 8 bits cost the shipped model, in short: perplexity of 128 tokens of a text, with scales of other texts. The long
 * measurement is scripts/quantized-perplexity.ts; this one sees what would ruin it.
 */
import { readFileSync } from "node:fs";
import { loadModel } from "@millet/core";
import { openContainer } from "@millet/core/formats";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { modelTokenizer } from "@millet/core/tokenizer";
import smollm2 from "@millet/model-smollm2-135m-instruct";
import ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import { calibrate } from "../../src/calibrate/calibrate.js";
import { onnxRuntime } from "../../src/onnx.js";

const TOKENS = 128;
/** Far from the text that is measured, and of other scripts. */
const CALIBRATION = {
  "wikitext2-raw-test.txt": 1_230_000,
  "hongloumeng-zh.txt": 0,
  "tinyshakespeare.txt": 0,
};

describeWith(sharedData("text"), "prompts of the shipped model in 8 bits", (folder) => {
  test("cost a few percent of perplexity", { timeout: 120_000 }, async () => {
    const file = await openContainer(await openSource(smollm2), {});
    const tokenizer = await modelTokenizer(file.metadata);
    const tokensOf = (name: string, from: number, count: number) =>
      [...tokenizer.encode(readFileSync(`${folder}/${name}`, "utf8").slice(from, from + 8 * count))].slice(
        0,
        count,
      );
    const calibrationIds = Object.entries(CALIBRATION).flatMap(([name, from]) => tokensOf(name, from, 128));
    const backend = onnxRuntime({ ort });
    const definition = await defineModel(file);
    const calibration = await calibrate(definition, calibrationIds, { backend, window: 128 });
    await file.close();
    const ids = tokensOf("wikitext2-raw-test.txt", 0, TOKENS);
    const perplexities: number[] = [];
    for (const scales of [undefined, calibration]) {
      const ones = onnxRuntime({ ort, activations: "float32", calibration: scales });
      const model = await loadModel(smollm2, { backend: ones, contextLength: TOKENS, maxSequences: 1 });
      perplexities.push((await model.score(ids)).perplexity);
      await model.dispose();
    }
    const cost = perplexities[1]! / perplexities[0]! - 1;
    console.log(`perplexity ${perplexities.join(" -> ")}, ${(100 * cost).toFixed(2)}%`);
    expect(cost).not.toBe(0);
    expect(cost).toBeLessThan(0.1); // a plain scale a tensor costs more than 100%
  });
});
