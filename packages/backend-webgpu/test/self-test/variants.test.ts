/** The self-test at load finds kernels that compute something else, and does without them or without the device. */
import { KV_BLOCK_ROWS, type KvPlan } from "@millet/core/backend";
import { GraphBuilder } from "@millet/core/graph";
import { linear } from "@millet/core/ops";
import { quantize } from "@millet/core/quant";
import { type DType, tensorOf, viewAs, type WeightSource } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { describeWith, webgpu as webgpuHere } from "../../../../test/support/availability.js";
import { testGpu } from "../../../../test/support/gpu.js";
import { webgpu } from "../../src/index.js";
import type { WebgpuOptions } from "../../src/options.js";
import { resetSelfTests } from "../../src/self-test/self-test.js";
import { memoryStore } from "../support/memory-store.js";
import { WatchedGpu } from "../support/watched-gpu.js";

const WIDTH = 128;
const NO_KV: KvPlan = {
  ...{ layers: 0, kvHeads: 1, headDim: 1, valueDim: 1 },
  ...{ dtype: "f32", blockRows: KV_BLOCK_ROWS, maxBlocks: 0 },
};

/** y = x W^T with all weights 1, on a GPU whose drivers read kernels as `misread` says. */
async function sumOf(misread: (code: string) => string, dtype: DType = "f32", options: WebgpuOptions = {}) {
  const watched = new WatchedGpu(await testGpu(), { misread });
  const backend = await webgpu({ gpu: watched.gpu, ...options }).create();
  const graph = new GraphBuilder("sum");
  const x = graph.input("x", { dtype: "f32", shape: [1, WIDTH] }, "tokens");
  const spec = { dtype, shape: [4, WIDTH] } as const;
  const ones = quantize(dtype, new Float32Array(4 * WIDTH).fill(1));
  const weight: WeightSource = {
    spec,
    readInto: async (offset, target) => target.set(ones.subarray(offset, offset + target.byteLength)),
  };
  const y = graph.emitOne(linear, [x, graph.weight("w", spec)], {});
  try {
    const weights = new Map([["w", weight]]);
    const model = await backend.load({ sum: graph.finish({ y }) }, weights, NO_KV);
    const values = Float32Array.from({ length: WIDTH }, (_, i) => i);
    const inputs = { x: tensorOf("f32", [1, WIDTH], values) };
    const result = viewAs(await model.executables.sum!.run({ inputs }).y!.read(), "f32");
    return { values: [...result], limitations: backend.capabilities.limitations.join(" ") };
  } finally {
    await backend.dispose();
  }
}

const RIGHT = new Array<number>(4).fill((WIDTH * (WIDTH - 1)) / 2);

describeWith(webgpuHere(), "the self-test at load", () => {
  test("a device that is wrong in plain kernels, too, serves no model", { timeout: 240_000 }, async () => {
    resetSelfTests();
    const loading = sumOf((code) => code.replaceAll("= vec4<f32>(0);", "= vec4<f32>(1);"));
    await expect(loading).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      message: expect.stringMatching(/computes wrong results.*linear_row/),
      details: { reason: "self-test" },
    });
  });
});

describeWith(webgpuHere(), "a variant that is wrong", () => {
  test("is put aside, with a word about it", { timeout: 240_000 }, async ({ skip }) => {
    resetSelfTests();
    let seen = false;
    const { values, limitations } = await sumOf((code) => {
      seen ||= code.includes("subgroupAdd(");
      return code.replaceAll("subgroupAdd(", "subgroupMax(");
    });
    if (!seen) skip("the device has no subgroups");
    expect(limitations).toMatch(/linear_row with subgroups give wrong results/);
    expect(values).toEqual(RIGHT);
  });

  test("is not chosen by tuning, either", { timeout: 240_000 }, async ({ skip }) => {
    resetSelfTests();
    let seen = false;
    const options: WebgpuOptions = {
      ...{ tuning: "on", tuningBudgetMs: 0, tuningStore: memoryStore() },
      ...{ promptRounding: ["int8"], withoutFeatures: ["subgroups"] },
    };
    const misread = (code: string) => {
      seen ||= code.includes("dot4I8Packed(");
      return code.replaceAll("dot4I8Packed(", "dot4U8Packed(");
    };
    const { limitations } = await sumOf(misread, "q8_0", options);
    if (!seen) skip("the device has no packed dot products");
    expect(limitations).toMatch(/linear_tile with packed-dot give wrong results/);
  });

  test("a device without fault has nothing to report", { timeout: 240_000 }, async () => {
    resetSelfTests();
    const { values, limitations } = await sumOf((code) => code);
    expect(limitations).not.toMatch(/wrong results/);
    expect(values).toEqual(RIGHT);
  });
});
