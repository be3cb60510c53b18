/** The CPU backend takes data as inputs, and says so where it gets an output of an earlier call. */
import type { DeviceBuffer } from "@millet/core/backend";
import { GraphBuilder } from "@millet/core/graph";
import { silu } from "@millet/core/ops";
import { type HostTensor, tensorOf } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { cpu } from "../src/index.js";

const KV = {
  layers: 0,
  kvHeads: 1,
  headDim: 1,
  valueDim: 1,
  dtype: "f32",
  blockRows: 32,
  maxBlocks: 0,
} as const;

test("an output is no input", async () => {
  const builder = new GraphBuilder("one");
  const x = builder.input("x", { dtype: "f32", shape: [1, 3] }, "tokens");
  const graph = builder.finish({ y: builder.emitOne(silu, [x], {}) });
  const backend = await cpu({ engine: "wasm", threads: 1 }).create();
  const { executables } = await backend.load({ one: graph }, new Map(), KV);
  const run = (input: HostTensor | DeviceBuffer) => executables.one!.run({ inputs: { x: input } }).y!;
  const first = run(tensorOf("f32", [1, 3], [1, 2, 3]));
  await expect(run(first).read()).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining('input "x"'),
  });
  expect((await first.read()).data.byteLength).toBe(12);
  await backend.dispose();
});
