/** Models at and beyond what an engine can address: estimated, refused before a byte is read, never half loaded. */
import { KV_BLOCK_ROWS, type KvPlan } from "@millet/core/backend";
import { GraphBuilder } from "@millet/core/graph";
import { linear } from "@millet/core/ops";
import type { WeightSource } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { cpu } from "../src/index.js";

const WASM_BYTES = 2 ** 32;

function layer() {
  const builder = new GraphBuilder("layer");
  const x = builder.input("x", { dtype: "f32", shape: [1, 32] }, "tokens");
  const weight = builder.weight("w", { dtype: "q8_0", shape: [8, 32] });
  return { layer: builder.finish({ y: builder.emitOne(linear, [x, weight], {}) }) };
}

/** A cache of so many blocks of 1 MiB. */
function cache(maxBlocks: number): KvPlan {
  const shape = { layers: 1, kvHeads: 64, headDim: 64, valueDim: 64 };
  return { ...shape, dtype: "f32", blockRows: KV_BLOCK_ROWS, maxBlocks };
}

test("a cache beyond 4 GiB is estimated, and refused at load before anything is read", async () => {
  const backend = await cpu({ engine: "wasm", threads: 1 }).create();
  const estimate = backend.estimate(layer(), cache(8192));
  expect(estimate.kvBytes).toBeGreaterThan(WASM_BYTES);
  expect(backend.capabilities.memoryLimitBytes).toBe(WASM_BYTES);
  let reads = 0;
  const source: WeightSource = {
    spec: { dtype: "q8_0", shape: [8, 32] },
    readInto: async () => void reads++,
  };
  const loading = backend.load(layer(), new Map([["w", source]]), cache(8192));
  await expect(loading).rejects.toMatchObject({
    code: "MODEL_TOO_LARGE",
    message: expect.stringContaining("the wasm engine reaches 4295 MB"),
  });
  expect(reads).toBe(0);
  const model = await backend.load(layer(), new Map([["w", source]]), cache(4));
  await model.dispose();
  await backend.dispose();
});
