/** On Node 22: the built package computes a product on shared and on unshared memory, and the process ends. */
import assert from "node:assert/strict";
import { cpu } from "@millet/backend-cpu";
import { GraphBuilder } from "@millet/core/graph";
import { linear } from "@millet/core/ops";
import { tensorOf, viewAs } from "@millet/core/tensor";

const weight = { dtype: "f32", shape: [8, 4] };
const values = Float32Array.from({ length: 32 }, (_, i) => i);
const readInto = async (offset, target) =>
  target.set(new Uint8Array(values.buffer, offset, target.byteLength));
const kv = { layers: 0, kvHeads: 1, headDim: 1, valueDim: 1, dtype: "f32", blockRows: 32, maxBlocks: 0 };

for (const memory of ["shared", "unshared"]) {
  const graph = new GraphBuilder("smoke");
  const x = graph.input("x", { dtype: "f32", shape: [1, 4] }, "tokens");
  const y = graph.emitOne(linear, [x, graph.weight("w", weight)], {});
  const backend = await cpu({ engine: "wasm", threads: 2, memory }).create();
  const sources = new Map([["w", { spec: weight, readInto }]]);
  const model = await backend.load({ smoke: graph.finish({ y }) }, sources, kv);
  const input = tensorOf("f32", [1, 4], Float32Array.of(1, 2, 3, 4));
  const output = viewAs(await model.executables.smoke.run({ inputs: { x: input } }).y.read(), "f32");
  const expected = Array.from({ length: 8 }, (_, n) => 4 * n * 10 + 20);
  assert.deepEqual([...output], expected);
  await model.dispose();
}
