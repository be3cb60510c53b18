/** Whole models on the WASM engine: transformers' logits (fixtures/llama) and stories260K's recorded tokens. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../test/support/availability.js";
import { argmax, loadDecoder } from "../../../test/support/decoder.js";
import { goldenError, LLAMA_MODELS } from "../../../test/support/golden-models.js";
import { type CpuOptions, cpu } from "../src/index.js";

/** Logits of every row, the tokens given in chunks. */
async function logitsOf(
  options: CpuOptions,
  file: URL,
  tokens: readonly number[],
  chunks: readonly number[],
): Promise<Float32Array[]> {
  const backend = await cpu({ engine: "wasm", ...options }).create();
  const decoder = await loadDecoder(backend, file, Math.max(...chunks), tokens.length);
  const rows: Float32Array[] = [];
  for (const size of chunks) {
    rows.push(...(await decoder.run(tokens.slice(rows.length, rows.length + size), rows.length)));
  }
  await backend.dispose();
  return rows;
}

describe("fixtures made with transformers", () => {
  test.each(LLAMA_MODELS)("$name", async (model) => {
    const tokens = [...model.prompt, ...model.decode];
    const chunks = [model.prompt.length, ...model.decode.map(() => 1)];
    const logits = await logitsOf({ threads: 2 }, model.file, tokens, chunks);
    // With quantized weights activations are int8; each product is exact on those (kernels/linear.test.ts).
    const tolerance = model.name.startsWith("q") ? 3e-3 : 1e-6;
    expect(goldenError(model, logits)).toBeLessThanOrEqual(tolerance);
  });
});

interface Recorded {
  readonly prompt_ids: readonly number[];
  readonly greedy_ids: readonly number[];
  readonly logits_pos0_after_BOS: readonly number[];
  readonly logits_pos10: readonly number[];
}

describeWith(sharedData("models"), "stories260K", (folder) => {
  const file = (name: string) => pathToFileURL(`${folder}/${name}`);
  const expected: Recorded = JSON.parse(readFileSync(file("stories260K.expected.json"), "utf8"));
  const tokens = [...expected.prompt_ids, ...expected.greedy_ids.slice(0, 199)];
  const run = (options: CpuOptions, chunks: readonly number[]) =>
    logitsOf(options, file("stories260K.gguf"), tokens, chunks);

  test.each([1, 2])("200 greedy tokens, generated with %i threads", async (threads) => {
    const backend = await cpu({ engine: "wasm", threads }).create();
    const decoder = await loadDecoder(backend, file("stories260K.gguf"), 1, 201);
    const generated: number[] = [];
    let [row] = await decoder.run(expected.prompt_ids, 0);
    for (let i = 1; generated.push(argmax(row!)) < 200; i++)
      [row] = await decoder.run(generated.slice(-1), i);
    expect(generated).toEqual(expected.greedy_ids);
    await backend.dispose();
  });

  test("the logits of two positions", async () => {
    const logits = await run({ threads: 2 }, [100, 1, 99]);
    expect(largestDifference(logits[0]!, expected.logits_pos0_after_BOS)).toBeLessThan(1e-3);
    expect(largestDifference(logits[10]!, expected.logits_pos10)).toBeLessThan(1e-3);
  });

  test("the same bits for any threads, chunks, memory and SIMD", async () => {
    const base = await run({ threads: 1 }, [200]);
    expect(await run({ threads: 2 }, [100, 1, 99])).toEqual(base);
    expect(await run({ threads: 3 }, [64, 64, 3, 69])).toEqual(base);
    expect(await run({ threads: 2, simd: "plain" }, [128, 72])).toEqual(base);
    expect(await run({ memory: "unshared" }, [3, 5, 192])).toEqual(base);
  });
});

function largestDifference(actual: Float32Array, expected: readonly number[]): number {
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(actual[i]! - value)), 0);
}
