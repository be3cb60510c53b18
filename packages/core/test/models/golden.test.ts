/**
 * The Llama graph on the reference backend against transformers (fixtures/llama, made by
 * scripts/fixtures/make-llama-fixtures.py) and against stories260K's recorded tokens.
 */
import { readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import { KV_BLOCK_ROWS, reference } from "../../src/backend/index.js";
import { openGguf } from "../../src/formats/gguf/index.js";
import { defineModel } from "../../src/models/index.js";
import { openSource } from "../../src/store/index.js";
import { tensorOf, viewAs } from "../../src/tensor/tensor.js";

const fixtures = new URL("../../../../fixtures/llama/", import.meta.url);
const fixtureNames = readdirSync(fixtures)
  .filter((file) => file.endsWith(".gguf"))
  .map((file) => file.replace(".gguf", ""));

/** Runs token ids in chunks of the given sizes; logits of every row, one array per row. */
async function logitsOf(
  file: URL,
  ids: readonly number[],
  chunks: readonly number[],
): Promise<Float32Array[]> {
  const gguf = await openGguf(await openSource(file));
  const definition = await defineModel(gguf);
  const blocks = Math.ceil(ids.length / KV_BLOCK_ROWS);
  const most = Math.max(...chunks);
  const graph = definition.step({
    name: "s",
    tokens: most,
    logits: most,
    sequences: 1,
    blocksPerSequence: blocks,
  });
  const kv = { ...definition.kv, dtype: "f32" as const, blockRows: KV_BLOCK_ROWS, maxBlocks: blocks };
  const backend = await reference().create();
  const model = await backend.load({ step: graph }, definition.weights, kv);
  const state = model.createState();
  await state.reserve(blocks);
  const ints = (values: number[], shape = [values.length]) => tensorOf("i32", shape, values);
  const rows: Float32Array[] = [];
  let start = 0;
  for (const size of chunks) {
    const at = Array.from({ length: size }, (_, i) => start + i);
    const inputs = {
      tokens: ints(at.map((i) => ids[i]!)),
      positions: ints(at),
      sequences: ints(at.map(() => 0)),
      writeRows: ints(at),
      blockTable: ints(
        Array.from({ length: blocks }, (_, i) => i),
        [1, blocks],
      ),
      lengths: ints([start + size]),
      logitRows: ints(at.map((i) => i - start)),
    };
    const { logits } = model.executables.step!.run({ inputs, state });
    const values = viewAs(await logits!.read(), "f32");
    for (let i = 0; i < size; i++) {
      rows.push(values.slice(i * definition.vocabularySize, (i + 1) * definition.vocabularySize));
    }
    start += size;
  }
  await gguf.close();
  return rows;
}

interface Golden {
  readonly prompt: readonly number[];
  readonly decode: readonly number[];
  readonly rows: readonly number[];
  readonly vocab: number;
  /** base64 of float32 [rows, vocab] */
  readonly logits: string;
}

describe("fixtures made with transformers", () => {
  test.each(fixtureNames)("%s", async (name) => {
    const golden: Golden = JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), "utf8"));
    const expected = new Float32Array(Uint8Array.from(Buffer.from(golden.logits, "base64")).buffer);
    const ids = [...golden.prompt, ...golden.decode];
    const chunks = [golden.prompt.length, ...golden.decode.map(() => 1)];
    const logits = await logitsOf(new URL(`${name}.gguf`, fixtures), ids, chunks);
    const actual = Float32Array.from(golden.rows.flatMap((row) => [...logits[row]!]));
    expect(normalisedError(actual, expected)).toBeLessThanOrEqual(1e-6);
  });
});

describeWith(sharedData("models"), "stories260K", (folder) => {
  test("200 greedy tokens and the logits of two positions", async () => {
    const file = (name: string) => pathToFileURL(`${folder}/${name}`);
    const expected: Recorded = JSON.parse(readFileSync(file("stories260K.expected.json"), "utf8"));
    const ids = [...expected.prompt_ids, ...expected.greedy_ids.slice(0, 199)];
    // Given the recorded tokens, each row's best token must be the next one: the same as generating them.
    const logits = await logitsOf(file("stories260K.gguf"), ids, [100, 1, 99]);
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

function argmax(row: Float32Array): number {
  return row.reduce((best, value, i) => (value > row[best]! ? i : best), 0);
}

function normalisedError(actual: Float32Array, expected: Float32Array): number {
  const squares = (f: (i: number) => number) => expected.reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return squares((i) => actual[i]! - expected[i]!) / squares((i) => expected[i]!);
}
