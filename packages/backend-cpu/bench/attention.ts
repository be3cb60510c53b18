/**
 * Time of decode attention by type of the KV cache: `npm run bench -- attention [--context 4096] [--layers 30] [--engine
 * wasm|native] [--threads N] [--heads 9] [--kv-heads 3] [--head-dim 64]`. Only attention, over as many layers as a model
 * has, so that the cache comes from memory; the median of 101 runs, and the bytes of the cache read per second.
 */
import { parseArgs } from "node:util";
import { KV_BLOCK_ROWS, KV_DTYPES, type KvDType } from "@millet/core/backend";
import { type Graph, GraphBuilder } from "@millet/core/graph";
import { add, attention } from "@millet/core/ops";
import { tensorOf } from "@millet/core/tensor";
import { cpu } from "../src/index.js";
import { kvBlockBytes } from "../src/lower/kv-layout.js";

/** Enough for V8 to have optimized the kernels before the first one that counts. */
const WARM_UP = 200;
const RUNS = 101;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    context: { type: "string", default: "4096" },
    layers: { type: "string", default: "30" },
    engine: { type: "string", default: "wasm" },
    threads: { type: "string", default: "2" },
    heads: { type: "string", default: "9" },
    "kv-heads": { type: "string", default: "3" },
    "head-dim": { type: "string", default: "64" },
    type: { type: "string" },
  },
});
const number = (name: keyof typeof values) => Number(values[name]);
const [context, layers, heads] = [number("context"), number("layers"), number("heads")];
const [kvHeads, headDim] = [number("kv-heads"), number("head-dim")];
const blocks = Math.ceil(context / KV_BLOCK_ROWS);

function graphOf(): Graph {
  const graph = new GraphBuilder("attention");
  const matrix = (name: string, width: number) =>
    graph.input(name, { dtype: "f32", shape: [1, width] }, "tokens");
  const q = matrix("q", heads * headDim);
  const [k, v] = [matrix("k", kvHeads * headDim), matrix("v", kvHeads * headDim)];
  const indices = ["positions", "sequences", "writeRows"].map((name) =>
    graph.input(name, { dtype: "i32", shape: [1] }, "tokens"),
  );
  const table = graph.input("blockTable", { dtype: "i32", shape: [1, blocks] });
  const lengths = graph.input("lengths", { dtype: "i32", shape: [1] });
  const attrs = { heads, kvHeads, headDim, valueDim: headDim, scale: headDim ** -0.5, causal: true };
  let x = q;
  for (let layer = 0; layer < layers; layer++) {
    const y = graph.emitOne(attention, [x, k, v, ...indices, table, lengths], { ...attrs, layer });
    x = graph.emitOne(add, [y, q], {});
  }
  return graph.finish({ x });
}

async function measure(dtype: KvDType): Promise<string> {
  const engine = values.engine === "native" ? "native" : "wasm";
  const backend = await cpu({ engine, threads: number("threads") }).create();
  const kv = {
    layers,
    kvHeads,
    headDim,
    valueDim: headDim,
    dtype,
    blockRows: KV_BLOCK_ROWS,
    maxBlocks: blocks,
  };
  const model = await backend.load({ step: graphOf() }, new Map(), kv);
  const state = model.createState();
  await state.reserve(blocks);
  const floats = (width: number) => Float32Array.from({ length: width }, (_, i) => Math.sin(i * i));
  for (let row = 0; row < context; row += KV_BLOCK_ROWS) {
    const rows = Math.min(KV_BLOCK_ROWS, context - row);
    const positions = Int32Array.from({ length: rows }, (_, i) => row + i);
    const elements = floats(layers * rows * kvHeads * headDim);
    await state.write(row, { rows, positions, keys: elements, values: elements });
  }
  const ints = (list: readonly number[], shape = [list.length]) =>
    tensorOf("i32", shape, Int32Array.from(list));
  const inputs = {
    ...{ q: tensorOf("f32", [1, heads * headDim], floats(heads * headDim)) },
    ...{ k: tensorOf("f32", [1, kvHeads * headDim], floats(kvHeads * headDim)) },
    ...{ v: tensorOf("f32", [1, kvHeads * headDim], floats(kvHeads * headDim)) },
    ...{ positions: ints([context - 1]), sequences: ints([0]), writeRows: ints([context - 1]) },
    ...{ blockTable: ints([...Array(blocks).keys()], [1, blocks]), lengths: ints([context]) },
  };
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + RUNS; i++) {
    const from = performance.now();
    await model.executables.step!.run({ inputs, state }).x!.read();
    if (i >= WARM_UP) times.push(performance.now() - from);
  }
  await backend.dispose();
  times.sort((a, b) => a - b);
  const median = times[RUNS >> 1]!;
  const speed = (kvBlockBytes(kv) * blocks) / median / 1e6;
  return `${dtype.padEnd(5)} ${median.toFixed(2)} ms median, ${times[0]!.toFixed(2)} best, ${speed.toFixed(1)} GB/s`;
}

for (const dtype of values.type ? KV_DTYPES.filter((t) => t === values.type) : KV_DTYPES)
  console.log(await measure(dtype));
