/** The trace reports every step of a program once, and results stay the same. */
import { GraphBuilder } from "@millet/core/graph";
import { add, mul, silu } from "@millet/core/ops";
import { tensorOf } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { cpu, type StepTrace } from "../src/index.js";

const KV = {
  layers: 0,
  kvHeads: 1,
  headDim: 1,
  valueDim: 1,
  dtype: "f32",
  blockRows: 32,
  maxBlocks: 0,
} as const;

function graph() {
  const builder = new GraphBuilder("traced");
  const x = builder.input("x", { dtype: "f32", shape: [2, 9] }, "tokens");
  const gate = builder.emitOne(silu, [x], {});
  return builder.finish({ y: builder.emitOne(mul, [builder.emitOne(add, [x, gate], {}), gate], {}) });
}

async function run(trace?: (step: StepTrace) => void): Promise<Uint8Array> {
  const backend = await cpu({ engine: "wasm", threads: 2, ...(trace && { trace }) }).create();
  const model = await backend.load({ traced: graph() }, new Map(), KV);
  const x = tensorOf(
    "f32",
    [2, 9],
    Float32Array.from({ length: 18 }, (_, i) => i - 7),
  );
  const calls = [1, 2].map(() => model.executables.traced!.run({ inputs: { x } }).y!.read());
  const [first, second] = await Promise.all(calls);
  expect(second).toEqual(first);
  await backend.dispose();
  return first!.data;
}

test("every step of every call, in order", async () => {
  const steps: StepTrace[] = [];
  const traced = await run((step) => steps.push(step));
  const kernels = ["Silu", "Add", "Mul"];
  expect(steps.map(({ kernel }) => kernel)).toEqual([...kernels, ...kernels]);
  expect(steps.every(({ program, elapsedMs }) => program === "traced" && elapsedMs >= 0)).toBe(true);
  expect(traced).toEqual(await run());
});
