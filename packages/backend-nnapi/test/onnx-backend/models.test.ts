/** Whole models on onnxruntime-node: transformers' logits (fixtures/llama), and texts by loadModel. */
import { readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { loadModel } from "@millet/core";
import ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import { loadDecoder } from "../../../../test/support/decoder.js";
import { onnxRuntime } from "../../src/onnx.js";

const fixtures = new URL("../../../../fixtures/llama/", import.meta.url);
const names = readdirSync(fixtures)
  .filter((file) => file.endsWith(".gguf"))
  .map((file) => file.replace(".gguf", ""));

interface Golden {
  readonly prompt: readonly number[];
  readonly decode: readonly number[];
  readonly rows: readonly number[];
  /** base64 of float32 [rows, vocab] */
  readonly logits: string;
}

describe("fixtures made with transformers", () => {
  test.each(names)("%s", async (name) => {
    const golden: Golden = JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), "utf8"));
    const expected = new Float32Array(Uint8Array.from(Buffer.from(golden.logits, "base64")).buffer);
    const tokens = golden.prompt.length + golden.decode.length;
    const backend = await onnxRuntime({ ort, activations: "float32" }).create();
    const file = new URL(`${name}.gguf`, fixtures);
    const decoder = await loadDecoder(backend, file, golden.prompt.length, tokens);
    const rows = await decoder.run(golden.prompt, 0);
    for (const token of golden.decode) rows.push(...(await decoder.run([token], rows.length)));
    await backend.dispose();
    const actual = golden.rows.flatMap((row) => [...rows[row]!]);
    const squares = (f: (i: number) => number) => expected.reduce((sum, _, i) => sum + f(i) ** 2, 0);
    const error = squares((i) => actual[i]! - expected[i]!) / squares((i) => expected[i]!);
    expect(error).toBeLessThanOrEqual(1e-8);
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
