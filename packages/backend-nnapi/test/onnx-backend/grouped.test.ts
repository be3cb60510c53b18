/** GroupQueryAttention over a cache in JavaScript's memory: in place, in any blocks, in padded chunks. */
import type { Backend } from "@millet/core/backend";
import { KV_BLOCK_ROWS } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { tensorOf, viewAs } from "@millet/core/tensor";
import ort from "onnxruntime-node";
import { expect, test } from "vitest";
import {
  type LoadedDecoder,
  loadDecoder,
  rowsOf,
  stepInputsOf,
  supported,
} from "../../../../test/support/decoder.js";
import {
  GOLDEN_MODELS,
  type GoldenLogits,
  goldenError,
  goldenLogits,
  LLAMA_MODELS,
} from "../../../../test/support/golden-models.js";
import type { OrtLike, OrtSession, OrtTensor } from "../../src/onnx.js";
import { emittedBackend } from "../support/emitted-backend.js";

const CONTEXT = 96;
const TOKENS = Array.from({ length: 70 }, (_, i) => (i * 37 + 11) % 47);

function golden(name: string): GoldenLogits {
  return [...LLAMA_MODELS, ...GOLDEN_MODELS].find((model) => model.name === name)!;
}

function decoder(backend: Backend, name: string, most = 64): Promise<LoadedDecoder> {
  return loadDecoder(backend, golden(name).file, most, CONTEXT);
}

/** In chunks of these sizes, then token by token. */
async function logitsOf({ run }: LoadedDecoder, chunks: readonly number[]): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (const size of [...chunks, ...TOKENS.map(() => 1)]) {
    const chunk = TOKENS.slice(rows.length, rows.length + size);
    if (chunk.length > 0) rows.push(...(await run(chunk, rows.length)));
  }
  return rows;
}

/** Root mean square of the differences, relative to that of the numbers. */
function apart(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  expect(a.map(({ length }) => length)).toEqual(b.map(({ length }) => length));
  const squares = (of: (row: number, column: number) => number) =>
    b.reduce((sum, values, row) => values.reduce((part, _, i) => part + of(row, i) ** 2, sum), 0);
  return Math.sqrt(squares((row, i) => a[row]![i]! - b[row]![i]!) / squares((row, i) => b[row]![i]!));
}

/** onnxruntime-node, and what its sessions were given. */
function watched(onRun: (feeds: Readonly<Record<string, OrtTensor>>, fetches: object) => void): OrtLike {
  return {
    Tensor: ort.Tensor,
    InferenceSession: {
      async create(model: string | Uint8Array) {
        const session: OrtSession = await ort.InferenceSession.create(model as Uint8Array, {
          intraOpNumThreads: 1,
        });
        return {
          inputNames: session.inputNames,
          outputNames: session.outputNames,
          async run(
            feeds: Readonly<Record<string, OrtTensor>>,
            fetches: Readonly<Record<string, OrtTensor | null>> = {},
          ) {
            onRun(feeds, fetches);
            return session.run(feeds, fetches);
          },
          release: () => session.release(),
        };
      },
    },
  };
}

test("the cache is the same memory in every step, and only the step's rows change in it", async () => {
  const seen: { readonly feeds: Readonly<Record<string, OrtTensor>>; readonly fetches: object }[] = [];
  const backend = await emittedBackend(
    { attention: "grouped" },
    watched((feeds, fetches) => seen.push({ feeds, fetches })),
  );
  const { run, state, model } = await decoder(backend, "smollm3");
  await run(TOKENS.slice(0, 40), 0);
  const caches = Object.entries(seen[0]!.feeds).filter(([name]) => name.startsWith("past."));
  expect(caches.length).toBe(2 * state.plan.layers);
  const { kvHeads, headDim } = state.plan;
  for (let t = 40; t < 50; t++) {
    const before = caches.map(([, { data }]) => (data as Float32Array).slice());
    await run([TOKENS[t]!], t);
    const { feeds, fetches } = seen.at(-1)!;
    caches.forEach(([name, cache], i) => {
      expect(feeds[name]).toBe(cache);
      expect(fetches).toHaveProperty([name.replace("past", "present")], cache);
      expect(cache.dims).toEqual([1, kvHeads, CONTEXT, headDim]);
      const data = cache.data as Float32Array;
      expect(data.byteOffset).toBe(0);
      const changed = [...data.keys()].filter((j) => !Object.is(data[j], before[i]![j]));
      expect(new Set(changed.map((j) => Math.floor(j / headDim) % CONTEXT))).toEqual(new Set([t]));
    });
  }
  expect(seen).toHaveLength(11);
  await model.dispose();
});

// RoPE inside of the operator and before it, windows, norms of heads, soft caps.
test.each(["head-dim", "mqa", "llama3-rope", "smollm3", "gemma2", "gemma3", "qwen3", "phi3", "stablelm"])(
  "%s: chunks of 16, padded, as transformers has it",
  async (name) => {
    const backend = await emittedBackend({ attention: "grouped", rows: 16 });
    const file = await openGguf(await openSource(golden(name).file));
    const rows = await goldenLogits(backend, file, golden(name), 16);
    await file.close();
    expect(goldenError(golden(name), rows)).toBeLessThanOrEqual(1e-8);
  },
);

test.each(["grouped", "general"] as const)("%s: padded chunks equal token by token", async (attention) => {
  const [padded, plain] = await Promise.all([
    decoder(await emittedBackend({ attention, rows: 16 }), "head-dim", 16),
    decoder(await emittedBackend({ attention }), "head-dim"),
  ]);
  const expected = await logitsOf(plain, []);
  expect(apart(await logitsOf(padded, [16, 5, 16, 1, 11]), expected)).toBeLessThan(1e-6);
  const [a, b] = await Promise.all([padded.state.read(0, 70), plain.state.read(0, 70)]);
  expect(a.positions).toEqual(b.positions);
  expect(apart([a.keys, a.values], [b.keys, b.values])).toBeLessThan(1e-6);
  await Promise.all([padded.dispose(), plain.dispose()]);
});

test.each(["smollm3", "head-dim"])(
  "%s: sequences in scattered blocks are what they are alone",
  async (name) => {
    const plain = await decoder(await emittedBackend({ attention: "general" }), name);
    const expected = await logitsOf(plain, [64]);
    const canonical = await plain.state.read(0, 70);
    await plain.dispose();
    for (const rows of [undefined, 7]) {
      const backend = await emittedBackend({ attention: "grouped", rows });
      const file = await openGguf(await openSource(golden(name).file));
      const definition = await defineModel(file);
      const shape = { tokens: 64, logits: 64, sequences: 4, blocksPerSequence: 3, contextTokens: CONTEXT };
      const graph = supported(definition.step({ name: "step", ...shape }), backend);
      const kv = { ...definition.kv, dtype: "f32" as const, blockRows: KV_BLOCK_ROWS, maxBlocks: 12 };
      const model = await backend.load({ step: graph }, definition.weights, kv);
      await file.close();
      const state = model.createState();
      await state.reserve(12);
      // The last one's blocks are in order; the first ends where it begins, so that padding would hit it.
      const tables = [
        [7, 3, 5],
        [4, 6, 8],
        [9, 10, 11],
        [0, 1, 2],
      ];
      const done = [0, 0, 0, 0];
      const logits: Float32Array[][] = [[], [], [], []];
      const step = async (counts: readonly number[]) => {
        const parts = counts.map((count, s) => ({ s, tokens: TOKENS.slice(done[s]!, done[s]! + count) }));
        const rowsAt = parts.map(({ s, tokens }) => {
          const { writeRows } = stepInputsOf(tokens, done[s]!, 3);
          return [...viewAs(writeRows, "i32")].map((j) => tables[s]![Math.floor(j / 32)]! * 32 + (j % 32));
        });
        const all = parts.flatMap(({ s, tokens }) => tokens.map((token, i) => ({ s, token, i })));
        const ints = (values: readonly number[], dims: readonly number[] = [values.length]) =>
          tensorOf("i32", dims, Int32Array.from(values));
        const inputs = {
          tokens: ints(all.map(({ token }) => token)),
          positions: ints(all.map(({ s, i }) => done[s]! + i)),
          sequences: ints(all.map(({ s }) => s)),
          writeRows: ints(rowsAt.flat()),
          blockTable: ints(tables.flat(), [4, 3]),
          lengths: ints(counts.map((count, s) => done[s]! + count)),
          logitRows: ints(all.map((_, row) => row)),
        };
        const { logits: out } = model.executables.step!.run({ inputs, state });
        const found = rowsOf(viewAs(await out!.read(), "f32"), definition.vocabularySize);
        all.forEach(({ s }, row) => logits[s]!.push(found[row]!));
        counts.forEach((count, s) => {
          done[s]! += count;
        });
      };
      await step([20, 0, 5, 30]);
      await step([0, 33, 31, 0]);
      for (let i = 0; i < 4; i++) await step([1, 1, 1, 1]);
      await step([12, 3, 0, 8]);
      await step([7, 0, 0, 3]);
      expect(logits.map((found) => found.length)).toEqual([43, 40, 40, 45]);
      for (const [s, found] of logits.entries()) {
        expect(apart(found, expected.slice(0, found.length))).toBeLessThan(1e-6);
        const first = await state.read(tables[s]![0]! * 32, 32);
        const size = canonical.keys.length / 70 / state.plan.layers;
        const layer = (keys: Float32Array, rows: number, l: number) =>
          keys.subarray(l * rows * size, (l * rows + 32) * size);
        for (let l = 0; l < state.plan.layers; l++)
          expect(apart([layer(first.keys, 32, l)], [layer(canonical.keys, 70, l)])).toBeLessThan(1e-6);
      }
      await model.dispose();
    }
  },
);
