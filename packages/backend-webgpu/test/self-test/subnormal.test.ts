/** A GPU that takes subnormal f16 scales for 0 is found out at load, and served by kernels that decode them by integers. */
import { KV_BLOCK_ROWS, type KvPlan } from "@millet/core/backend";
import { GraphBuilder } from "@millet/core/graph";
import { linear } from "@millet/core/ops";
import { tensorOf, viewAs } from "@millet/core/tensor";
import { expect, test, vi } from "vitest";
import { describeWith, webgpu } from "../../../../test/support/availability.js";
import { testGpu } from "../../../../test/support/gpu.js";
import { WebgpuBackend } from "../../src/backend.js";
import type { Device } from "../../src/device/device.js";
import { openDevice } from "../../src/device/open-device.js";
import { resetSelfTests } from "../../src/self-test/self-test.js";
import { randomFloats, randomWeight } from "../support/linear-case.js";
import { sourcesOf } from "../support/run-on-slots.js";

const NO_KV: KvPlan = {
  layers: 0,
  kvHeads: 1,
  headDim: 1,
  valueDim: 1,
  dtype: "f32",
  blockRows: KV_BLOCK_ROWS,
  maxBlocks: 0,
};

/** Makes the builtin of a device's kernels lose subnormal numbers, as some drivers do. */
function flushSubnormals({ gpu }: Device): void {
  const create = gpu.createShaderModule.bind(gpu);
  const faulty =
    "select(unpack2x16float(word), vec2<f32>(0), abs(unpack2x16float(word)) < vec2<f32>(0x1p-14f))";
  vi.spyOn(gpu, "createShaderModule").mockImplementation((descriptor) =>
    create({ ...descriptor, code: descriptor.code.replaceAll("unpack2x16float(word)", faulty) }),
  );
}

describeWith(webgpu(), "the self-test", () => {
  test("sets kernels aside that lose subnormal scales", async () => {
    const weight = randomWeight("q4_k", 8, 256, 1, 0.001);
    const x = randomFloats(256, 2);
    const graph = new GraphBuilder("test");
    const input = graph.input("x", { dtype: "f32", shape: [1, 256] }, "tokens");
    const y = graph.emitOne(linear, [input, graph.weight("weight", weight.spec)], {});
    const graphs = { test: graph.finish({ y }) };

    async function run(faulty: boolean) {
      resetSelfTests();
      const device = await openDevice({ gpu: await testGpu() });
      if (faulty) flushSubnormals(device);
      const backend = new WebgpuBackend(device, {});
      const model = await backend.load(graphs, sourcesOf({ weight }), NO_KV);
      const outputs = model.executables.test!.run({
        inputs: { x: tensorOf("f32", [1, 256], x) },
        state: model.createState(),
      });
      const values = viewAs(await outputs.y!.read(), "f32");
      const { limitations } = backend.capabilities;
      await backend.dispose();
      return { values: [...values], found: limitations.filter((text) => text.includes("linear_row")) };
    }
    const good = await run(false);
    const bad = await run(true);
    expect(good.found).toEqual([]);
    expect(bad.found.length).toBeGreaterThan(0);
    good.values.forEach((value, i) => expect(bad.values[i]).toBeCloseTo(value, 8));
  });
});
