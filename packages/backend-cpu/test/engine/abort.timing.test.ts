/** An abort cuts a running program short within 200 ms and leaves the model as it was. */
import { GraphBuilder } from "@millet/core/graph";
import { attention, linear } from "@millet/core/ops";
import { tensorOf } from "@millet/core/tensor";
import { describe, expect, test } from "vitest";
import { Random } from "../../../../test/support/random.js";
import { cpu } from "../../src/index.js";

const ROWS = 128;
const WIDTH = 2048;
const LAYERS = 40;
const LIMIT_MS = 200;
const KV = { layers: 1, kvHeads: 8, headDim: 64, valueDim: 64, dtype: "f32", blockRows: 32 } as const;
const CONTEXT_BLOCKS = 64;

/** Layers enough for seconds of work, all on one weight. */
function products() {
  const graph = new GraphBuilder("products");
  const weight = graph.weight("w", { dtype: "q4_0", shape: [WIDTH, WIDTH] });
  let x = graph.input("x", { dtype: "f32", shape: [ROWS, WIDTH] }, "tokens");
  for (let i = 0; i < LAYERS; i++) x = graph.emitOne(linear, [x, weight], {});
  return graph.finish({ y: x });
}

const source = {
  spec: { dtype: "q4_0", shape: [WIDTH, WIDTH] },
  async readInto(_: number, target: Uint8Array) {
    // Scales of 0.0078: results neither vanish nor overflow in so many layers.
    for (let i = 0; i < target.length; i++)
      target[i] = i % 18 === 0 ? 0 : i % 18 === 1 ? 0x20 : (i * 37) & 0xff;
  },
} as const;

describe.each(["shared", "unshared"] as const)("%s memory", (memory) => {
  test("a prompt of products", async () => {
    const backend = await cpu({ engine: "wasm", threads: 2, memory }).create();
    const model = await backend.load({ graph: products() }, new Map([["w", source]]), {
      ...KV,
      layers: 0,
      maxBlocks: 0,
    });
    const inputs = { x: tensorOf("f32", [ROWS, WIDTH], new Random(1).normals(ROWS * WIDTH)) };
    const run = async (signal?: AbortSignal) => {
      const { y } = model.executables.graph!.run({ inputs, ...(signal && { signal }) });
      return (await y!.read()).data;
    };
    const expected = await run();
    await expectQuickAbort(run);
    expect(await run()).toEqual(expected);
    await backend.dispose();
  });

  test("attention over a long context", async () => {
    const backend = await cpu({ engine: "wasm", threads: 2, memory }).create();
    const kv = { ...KV, maxBlocks: CONTEXT_BLOCKS };
    const { graph, inputs } = longAttention();
    const model = await backend.load({ graph }, new Map(), kv);
    const state = model.createState();
    await state.reserve(CONTEXT_BLOCKS);
    const run = async (signal?: AbortSignal) => {
      const { y } = model.executables.graph!.run({ inputs, state, ...(signal && { signal }) });
      return (await y!.read()).data;
    };
    await expectQuickAbort(run);
    await backend.dispose();
  });
});

/** The same attention twenty times, over 2,048 rows of the cache. */
function longAttention() {
  const graph = new GraphBuilder("attention");
  const heads = 8;
  const width = heads * KV.headDim;
  const x = graph.input("x", { dtype: "f32", shape: [ROWS, width] }, "tokens");
  const indices = ["positions", "sequences", "writeRows"].map((name) =>
    graph.input(name, { dtype: "i32", shape: [ROWS] }, "tokens"),
  );
  const table = graph.input("blockTable", { dtype: "i32", shape: [1, CONTEXT_BLOCKS] });
  const lengths = graph.input("lengths", { dtype: "i32", shape: [1] });
  const attrs = { layer: 0, heads, kvHeads: heads, headDim: 64, valueDim: 64, scale: 0.125, causal: true };
  let y = x;
  for (let i = 0; i < 20; i++) y = graph.emitOne(attention, [y, y, y, ...indices, table, lengths], attrs);
  const context = CONTEXT_BLOCKS * KV.blockRows;
  const rows = Array.from({ length: ROWS }, (_, i) => context - ROWS + i);
  const ints = (values: number[], shape = [values.length]) => tensorOf("i32", shape, Int32Array.from(values));
  const inputs = {
    x: tensorOf("f32", [ROWS, width], new Random(2).normals(ROWS * width)),
    positions: ints(rows),
    sequences: ints(rows.map(() => 0)),
    writeRows: ints(rows),
    blockTable: ints([...Array(CONTEXT_BLOCKS).keys()], [1, CONTEXT_BLOCKS]),
    lengths: ints([context]),
  };
  return { graph: graph.finish({ y }), inputs };
}

async function expectQuickAbort(run: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const running = run(controller.signal).then(
    () => "finished",
    (error: unknown) => error,
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  const began = performance.now();
  controller.abort();
  expect(await running).toMatchObject({ code: "ABORTED" });
  expect(performance.now() - began).toBeLessThan(LIMIT_MS);
}
