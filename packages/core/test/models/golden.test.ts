/** The Llama architecture on the reference backend: transformers' logits (fixtures/llama), stories260K's recorded tokens. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { reference } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import { argmax, loadDecoder } from "../../../../test/support/decoder.js";
import { goldenError, goldenLogits, LLAMA_MODELS } from "../../../../test/support/golden-models.js";

describe("fixtures made with transformers", () => {
  test.each(LLAMA_MODELS)("$name", async (model) => {
    const file = await openGguf(await openSource(model.file));
    const rows = await goldenLogits(await reference().create(), file, model);
    await file.close();
    expect(goldenError(model, rows)).toBeLessThanOrEqual(1e-6);
  });
});

describeWith(sharedData("models"), "stories260K", (folder) => {
  test("200 greedy tokens and the logits of two positions", async () => {
    const file = (name: string) => pathToFileURL(`${folder}/${name}`);
    const expected: Recorded = JSON.parse(readFileSync(file("stories260K.expected.json"), "utf8"));
    const ids = [...expected.prompt_ids, ...expected.greedy_ids.slice(0, 199)];
    // Given the recorded tokens, each row's best token must be the next one: the same as generating them.
    const decoder = await loadDecoder(await reference().create(), file("stories260K.gguf"), 100, ids.length);
    const logits: Float32Array[] = [];
    for (const count of [100, 1, 99]) {
      logits.push(...(await decoder.run(ids.slice(logits.length, logits.length + count), logits.length)));
    }
    expect(logits.map(argmax)).toEqual(expected.greedy_ids);
    expect(largestDifference(logits[0]!, expected.logits_pos0_after_BOS)).toBeLessThan(1e-3);
    expect(largestDifference(logits[10]!, expected.logits_pos10)).toBeLessThan(1e-3);
  });
});

interface Recorded {
  readonly prompt_ids: readonly number[];
  readonly greedy_ids: readonly number[];
  readonly logits_pos0_after_BOS: readonly number[];
  readonly logits_pos10: readonly number[];
}

function largestDifference(actual: Float32Array, expected: readonly number[]): number {
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(actual[i]! - value)), 0);
}
