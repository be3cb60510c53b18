/**
 * What a narrower type of the KV cache costs in perplexity: the shipped model with its weights as f32, so that no int8
 * activations are between. With them, a change in the last bit of anything moves the perplexity by some tenths of a percent,
 * either way, and hides what is measured here. The native engine only: WASM gives the same bits and takes longer.
 */
import { readFileSync } from "node:fs";
import { cpu } from "@millet/backend-cpu";
import { type Backend, KV_BLOCK_ROWS, KV_DTYPES, type KvDType } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { tensorOf, viewAs } from "@millet/core/tensor";
import { ggufTokenizer } from "@millet/core/tokenizer";
import smollm2 from "@millet/model-smollm2-135m-instruct";
import { expect, test } from "vitest";
import { asFloats } from "../../../test/support/as-floats.js";
import { describeWith, sharedData } from "../../../test/support/availability.js";

const [TOKENS, CHUNK] = [2048, 128];
/** Of the f32 cache's perplexity; docs/kv-cache.md has what was measured. */
const MOST_COST: Readonly<Record<KvDType, number>> = { f32: 0, f16: 0.0005, q8_0: 0.002 };

/** Mean negative log-probability of tokens 1 .. TOKENS - 1. */
async function lossOf(backend: Backend, kvDType: KvDType, path: string): Promise<number> {
  const file = await openGguf(await openSource(smollm2));
  const weights = new Map([...file.weights].map(([name, source]) => [name, asFloats(source)]));
  const definition = await defineModel({ ...file, weights });
  const maxBlocks = TOKENS / KV_BLOCK_ROWS;
  const shape = { tokens: CHUNK, logits: CHUNK, sequences: 1, blocksPerSequence: maxBlocks };
  const kv = { ...definition.kv, dtype: kvDType, blockRows: KV_BLOCK_ROWS, maxBlocks };
  const model = await backend.load(
    { step: definition.step({ name: "step", ...shape }) },
    definition.weights,
    kv,
  );
  const text = readFileSync(path, "utf8").slice(0, 40_000);
  const ids = [...ggufTokenizer(file.metadata).encode(text)].slice(0, TOKENS);
  await file.close();
  const state = model.createState();
  await state.reserve(maxBlocks);
  const ints = (list: readonly number[], size: readonly number[] = [list.length]) =>
    tensorOf("i32", size, Int32Array.from(list));
  const blockTable = ints([...Array(maxBlocks).keys()], [1, maxBlocks]);
  let loss = 0;
  for (let start = 0; start < TOKENS; start += CHUNK) {
    const rows = Array.from({ length: CHUNK }, (_, i) => start + i);
    const places = { positions: ints(rows), writeRows: ints(rows), sequences: ints(rows.map(() => 0)) };
    const inputs = { tokens: ints(ids.slice(start, start + CHUNK)), ...places, blockTable };
    const lengths = ints([start + CHUNK]);
    const logitRows = ints([...Array(CHUNK).keys()]);
    const { logits } = model.executables.step!.run({ inputs: { ...inputs, lengths, logitRows }, state });
    const values = viewAs(await logits!.read(), "f32");
    const width = values.length / CHUNK;
    rows.forEach((row, i) => {
      if (row + 1 < TOKENS)
        loss -= logProbability(values.subarray(i * width, (i + 1) * width), ids[row + 1]!);
    });
  }
  await model.dispose();
  return loss / (TOKENS - 1);
}

function logProbability(logits: Float32Array, id: number): number {
  const most = logits.reduce((a, b) => Math.max(a, b));
  return logits[id]! - most - Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0));
}

describeWith(sharedData("text/wikitext2-raw-test.txt"), "perplexity by type of the KV cache", (path) => {
  test("f16 and q8_0 cost little", { timeout: 120_000 }, async ({ skip }) => {
    const backend = await cpu({ engine: "native", threads: 2 })
      .create()
      .catch((error: unknown) => skip(String(error)));
    const losses = new Map<KvDType, number>();
    for (const dtype of KV_DTYPES) losses.set(dtype, await lossOf(backend, dtype, path));
    await backend.dispose();
    const exact = losses.get("f32")!;
    const costs = KV_DTYPES.map((dtype) => [dtype, Math.exp(losses.get(dtype)! - exact) - 1] as const);
    console.log(`perplexity ${Math.exp(exact)}`, Object.fromEntries(costs));
    for (const [dtype, cost] of costs) expect(Math.abs(cost)).toBeLessThanOrEqual(MOST_COST[dtype]);
    expect(losses.get("f16")).not.toBe(exact);
    expect(losses.get("q8_0")).not.toBe(exact);
  });
});
