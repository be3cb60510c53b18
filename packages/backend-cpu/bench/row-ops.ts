/**
 * Microseconds of norms and activations on one row, by engine and threads: `npm run bench -- row-ops [columns]`. A program
 * repeats each op; what the call costs without it is taken off. The best of many calls: the one that nobody disturbed.
 */
import { GraphBuilder, type Value } from "@millet/core/graph";
import { geglu, gelu, layerNorm, rmsNorm, scale, softCap, swiglu } from "@millet/core/ops";
import { tensorOf, type WeightSource } from "@millet/core/tensor";
import { cpu } from "../src/index.js";

const COLUMNS = Number(process.argv[3] ?? 2048);
const HEAD = 128;
const REPEATS = 48;
const CALLS = 400;
const NO_KV = {
  layers: 0,
  kvHeads: 1,
  headDim: 1,
  valueDim: 1,
  dtype: "f32",
  blockRows: 32,
  maxBlocks: 0,
} as const;

type Emit = (graph: GraphBuilder, x: Value, row: Value, head: Value) => Value;

const OPS: Readonly<Record<string, Emit>> = {
  none: (_, x) => x,
  rms_norm: (graph, x, row) => graph.emitOne(rmsNorm, [x, row], { epsilon: 1e-5 }),
  "rms_norm of heads": (graph, x, _, head) =>
    graph.emitOne(rmsNorm, [x, head], { epsilon: 1e-5, groups: COLUMNS / HEAD }),
  layer_norm: (graph, x, row) => graph.emitOne(layerNorm, [x, row, row], { epsilon: 1e-5 }),
  swiglu: (graph, x) => graph.emitOne(swiglu, [x, x], {}),
  "geglu, tanh": (graph, x) => graph.emitOne(geglu, [x, x], { approximation: "tanh" }),
  "gelu, exact": (graph, x) => graph.emitOne(gelu, [x], { approximation: "none" }),
  soft_cap: (graph, x) => graph.emitOne(softCap, [x], { cap: 30 }),
  scale: (graph, x) => graph.emitOne(scale, [x], { factor: 0.5 }),
};

function ones(length: number): WeightSource {
  const bytes = new Uint8Array(new Float32Array(length).fill(1).buffer);
  const readInto: WeightSource["readInto"] = async (at, target) =>
    target.set(bytes.subarray(at, at + target.length));
  return { spec: { dtype: "f32", shape: [length] }, readInto };
}

/** A function that runs the op `REPEATS` times and gives the microseconds. */
async function prepare(
  engine: "wasm" | "native",
  threads: number,
  emit: Emit,
): Promise<() => Promise<number>> {
  const graph = new GraphBuilder("op");
  const x = graph.input("x", { dtype: "f32", shape: [1, COLUMNS] }, "tokens");
  const row = graph.weight("row", { dtype: "f32", shape: [COLUMNS] });
  const head = graph.weight("head", { dtype: "f32", shape: [HEAD] });
  let y = graph.emitOne(scale, [x], { factor: 1 });
  for (let i = 0; i < REPEATS; i++) y = emit(graph, y, row, head);
  const weights = new Map([
    ["row", ones(COLUMNS)],
    ["head", ones(HEAD)],
  ]);
  const backend = await cpu({ engine, threads }).create();
  const model = await backend.load({ op: graph.finish({ y }) }, weights, NO_KV);
  const state = model.createState();
  const values = Float32Array.from({ length: COLUMNS }, (_, i) => 2 * Math.sin(i));
  const inputs = { x: tensorOf("f32", [1, COLUMNS], values) };
  return async () => {
    const began = performance.now();
    await model.executables.op!.run({ inputs, state }).y!.read();
    return 1000 * (performance.now() - began);
  };
}

for (const engine of ["wasm", "native"] as const) {
  for (const threads of [1, 2]) {
    const runs = await Promise.all(
      Object.entries(OPS).map(async ([name, emit]) => ({
        name,
        run: await prepare(engine, threads, emit),
        best: Infinity,
      })),
    );
    for (let i = 0; i < CALLS; i++) for (const one of runs) one.best = Math.min(one.best, await one.run());
    const base = runs[0]!.best;
    console.log(`${engine}, ${threads} threads, ${COLUMNS} columns; a call ${base.toFixed(0)} us`);
    for (const { name, best } of runs.slice(1))
      console.log(`  ${name.padEnd(18)} ${((best - base) / REPEATS).toFixed(2)} us`);
  }
}
process.exit(0);
