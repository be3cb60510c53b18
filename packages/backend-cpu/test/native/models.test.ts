/** Whole models on the native engine: stories260K's recorded tokens, and the same bits as the WASM engine's. */
import { readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import { argmax, loadDecoder } from "../../../../test/support/decoder.js";
import { type CpuOptions, cpu } from "../../src/index.js";
import { nativeEngine, nativeLevels } from "./requirement.js";

const fixtures = new URL("../../../../fixtures/llama/", import.meta.url);

/** Logits of `tokens`, given in chunks of up to `chunk`. */
async function logitsOf(options: CpuOptions, file: URL, tokens: readonly number[], chunk: number) {
  const backend = await cpu({ threads: 2, ...options }).create();
  const decoder = await loadDecoder(backend, file, chunk, tokens.length);
  const rows: Float32Array[] = [];
  while (rows.length < tokens.length) {
    rows.push(...(await decoder.run(tokens.slice(rows.length, rows.length + chunk), rows.length)));
  }
  await backend.dispose();
  return rows;
}

describeWith(nativeEngine(), "native engine", () => {
  describe("gives the bits of the WASM engine", () => {
    const names = readdirSync(fixtures).filter((file) => file.endsWith(".gguf"));
    const tokens = Array.from({ length: 45 }, (_, i) => (i * 7) % 50);
    test.each(names)("%s", async (name) => {
      const file = new URL(name, fixtures);
      const expected = await logitsOf({ engine: "wasm" }, file, tokens, 13);
      for (const isa of nativeLevels()) {
        for (const chunk of [1, 32]) {
          const native = { engine: "native", isa, threads: 1 + (chunk % 3) } as const;
          expect(await logitsOf(native, file, tokens, chunk)).toEqual(expected);
        }
      }
    });
  });

  describeWith(sharedData("models"), "stories260K", (folder) => {
    const recorded = JSON.parse(readFileSync(`${folder}/stories260K.expected.json`, "utf8")) as {
      readonly prompt_ids: readonly number[];
      readonly greedy_ids: readonly number[];
    };
    test.each([1, 2])("200 greedy tokens with %i threads", async (threads) => {
      const backend = await cpu({ engine: "native", threads }).create();
      const decoder = await loadDecoder(backend, pathToFileURL(`${folder}/stories260K.gguf`), 1, 201);
      const generated: number[] = [];
      let [row] = await decoder.run(recorded.prompt_ids, 0);
      for (let i = 1; generated.push(argmax(row!)) < 200; i++) {
        [row] = await decoder.run(generated.slice(-1), i);
      }
      expect(generated).toEqual(recorded.greedy_ids);
      await backend.dispose();
    });
  });
});
