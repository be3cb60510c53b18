/** The kernels of attention fit a device with the least limits that WebGPU allows: 16 KiB of workgroup memory, 8 buffers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith, webgpu } from "../../../../test/support/availability.js";
import { testGpu } from "../../../../test/support/gpu.js";
import { compileKernel } from "../../src/device/compile.js";
import type { Device } from "../../src/device/device.js";
import { openDevice } from "../../src/device/open-device.js";
import { fitsAttention } from "../../src/kernels/attention/lower.js";
import { lower } from "./attention-run.js";
import { attrsOf, operandsOf, type Scenario } from "./attention-scenario.js";

const SIZES = [
  { heads: 4, kvHeads: 1, headDim: 512, valueDim: 4 },
  { heads: 4, kvHeads: 1, headDim: 256, valueDim: 1 },
] as const;

describeWith(webgpu(), "attention on a device with the least limits", () => {
  let device: Device;

  beforeAll(async () => {
    const gpu = await testGpu();
    const adapter = await gpu.requestAdapter();
    const requiredFeatures = (["subgroups"] as const).filter((name) => adapter!.features.has(name));
    const plain = await adapter!.requestDevice({ requiredFeatures });
    device = await openDevice({ gpu, device: plain });
  });
  afterAll(() => device.gpu.destroy());

  test("has the least limits", () => {
    expect(device.limits.maxComputeWorkgroupStorageSize).toBe(16384);
  });

  describe.each(SIZES)("heads of $headDim and $valueDim", (attrs) => {
    test.each([8, 32])("at most %i rows", async (mostRows) => {
      const scenario: Scenario = { attrs, calls: [[2]], mostRows };
      expect(fitsAttention(attrsOf(scenario))).toBe(true);
      const { dispatches } = lower(scenario, operandsOf(scenario)[0]!, device.features);
      for (const { kernel } of dispatches) await compileKernel(device, kernel);
    });
  });
});
