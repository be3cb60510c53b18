/** Whole models: transformers' logits (fixtures/llama), and stories260K's recorded tokens, which the CPU backend gives, too. */
import { readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { describeWith, sharedData } from "../../../test/support/availability.js";
import { argmax, loadDecoder } from "../../../test/support/decoder.js";
import { webgpu } from "../src/index.js";
import { describeOnDevice } from "./support/device.js";

const fixtures = new URL("../../../fixtures/llama/", import.meta.url);
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

describeOnDevice("fixtures made with transformers", (device) => {
  test.each(names)("%s", async (name) => {
    const golden: Golden = JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), "utf8"));
    const expected = new Float32Array(Uint8Array.from(Buffer.from(golden.logits, "base64")).buffer);
    const tokens = [...golden.prompt, ...golden.decode];
    const backend = await webgpu({ device: device().gpu }).create();
    const decoder = await loadDecoder(
      backend,
      new URL(`${name}.gguf`, fixtures),
      golden.prompt.length,
      tokens.length,
    );
    const rows = await decoder.run(golden.prompt, 0);
    for (const token of golden.decode) rows.push(...(await decoder.run([token], rows.length)));
    await backend.dispose();
    const actual = Float32Array.from(golden.rows.flatMap((row) => [...rows[row]!]));
    expect(normalisedError(actual, expected)).toBeLessThanOrEqual(1e-6);
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
      const backend = await webgpu({ device: device().gpu }).create();
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

function normalisedError(actual: Float32Array, expected: Float32Array): number {
  const squares = (f: (i: number) => number) => expected.reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return squares((i) => actual[i]! - expected[i]!) / squares((i) => expected[i]!);
}
