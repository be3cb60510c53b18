/** Whole models: transformers' logits (fixtures/llama), and stories260K's recorded tokens, which the CPU backend gives, too. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { expect, test } from "vitest";
import { describeWith, sharedData } from "../../../test/support/availability.js";
import { argmax, loadDecoder } from "../../../test/support/decoder.js";
import { goldenError, goldenLogits, LLAMA_MODELS } from "../../../test/support/golden-models.js";
import { describeOnDevice } from "./support/device.js";
import { trustingWebgpu } from "./support/trusting-webgpu.js";

describeOnDevice("fixtures made with transformers", (device) => {
  test.each(LLAMA_MODELS)("$name", async (model) => {
    const file = await openGguf(await openSource(model.file));
    const backend = await trustingWebgpu({ device: device().gpu }).create();
    const rows = await goldenLogits(backend, file, model);
    await backend.dispose();
    await file.close();
    expect(goldenError(model, rows)).toBeLessThanOrEqual(1e-6);
  });
});

interface Recorded {
  readonly prompt_ids: readonly number[];
  readonly greedy_ids: readonly number[];
}

describeWith(sharedData("models"), "stories260K", (folder) => {
  describeOnDevice("on the device", (device) => {
    const file = (name: string) => pathToFileURL(`${folder}/${name}`);
    const expected: Recorded = JSON.parse(readFileSync(file("stories260K.expected.json"), "utf8"));

    test("200 greedy tokens", async () => {
      const backend = await trustingWebgpu({ device: device().gpu }).create();
      const decoder = await loadDecoder(backend, file("stories260K.gguf"), 1, 201);
      const generated: number[] = [];
      let [row] = await decoder.run(expected.prompt_ids, 0);
      for (let i = 1; generated.push(argmax(row!)) < 200; i++)
        [row] = await decoder.run(generated.slice(-1), i);
      expect(generated).toEqual(expected.greedy_ids);
      await backend.dispose();
    });
  });
});
