/** Whole models on onnxruntime-node: transformers' logits for every architecture, and texts by loadModel. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { loadModel } from "@millet/core";
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import {
  GOLDEN_MODELS,
  goldenError,
  goldenLogits,
  LLAMA_MODELS,
} from "../../../../test/support/golden-models.js";
import { onnxRuntime } from "../../src/onnx.js";

describe("golden models", () => {
  test.each([...LLAMA_MODELS, ...GOLDEN_MODELS])("$name", async (model) => {
    const file = await openGguf(await openSource(model.file));
    const backend = await onnxRuntime({
      ort,
      activations: "float32",
      session: { intraOpNumThreads: 1 },
    }).create();
    const rows = await goldenLogits(backend, file, model);
    await backend.dispose();
    await file.close();
    expect(goldenError(model, rows)).toBeLessThanOrEqual(1e-8);
  });
});

describeWith(sharedData("models"), "stories260K", (folder) => {
  const file = (name: string) => pathToFileURL(`${folder}/${name}`);
  const { greedy_ids: greedy }: { greedy_ids: readonly number[] } = JSON.parse(
    readFileSync(file("stories260K.expected.json"), "utf8"),
  );

  test("200 greedy tokens by loadModel, two generations side by side", async () => {
    const model = await loadModel(file("stories260K.gguf"), { backend: onnxRuntime({ ort }) });
    expect(model.backend.capabilities.description).toBe("ONNX Runtime on cpu");
    const options = { temperature: 0, repetitionPenalty: 1, maxTokens: 200, ignoreEndOfGeneration: true };
    const results = await Promise.all([1, 2].map(() => model.generate([1], options).result));
    for (const { tokenIds } of results) expect(tokenIds).toEqual(greedy);
    await model.dispose();
  });
});
