/** Loads a model of one product with the built package, runs it, prints a word, and leaves the workers idle. */
import { cpu } from "@millet/backend-cpu";
import { GraphBuilder } from "@millet/core/graph";
import { linear } from "@millet/core/ops";
import { tensorOf } from "@millet/core/tensor";

const graph = new GraphBuilder("idle");
const x = graph.input("x", { dtype: "f32", shape: [1, 8] }, "tokens");
const weight = { dtype: "f32", shape: [8, 8] };
const y = graph.emitOne(linear, [x, graph.weight("w", weight)], {});
const sources = new Map([["w", { spec: weight, readInto: async (_, target) => void target.fill(0) }]]);
const kv = { layers: 0, kvHeads: 1, headDim: 1, valueDim: 1, dtype: "f32", blockRows: 32, maxBlocks: 0 };
const backend = await cpu({ engine: "wasm", threads: 2, memory: process.argv[2] }).create();
const model = await backend.load({ graph: graph.finish({ y }) }, sources, kv);
await model.executables.graph.run({ inputs: { x: tensorOf("f32", [1, 8], new Float32Array(8)) } }).y.read();
console.log("loaded");
