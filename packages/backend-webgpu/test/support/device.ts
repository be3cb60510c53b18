/** A WebGPU device for tests: opened once per file, destroyed after its tests. */
import { afterAll, beforeAll } from "vitest";
import { describeWith, webgpu } from "../../../../test/support/availability.js";
import { testGpu } from "../../../../test/support/gpu.js";
import type { Device } from "../../src/device/device.js";
import { openDevice } from "../../src/device/open-device.js";
import type { WebgpuOptions } from "../../src/options.js";

/**
 * `describe` with a device: SwiftShader's, or with MILLET_GPU=real that of the machine. Skipped with the reason where
 * there is none.
 * @param body gets a function that gives the device within tests and hooks
 */
export function describeOnDevice(
  name: string,
  body: (device: () => Device) => void,
  options: WebgpuOptions = {},
): void {
  describeWith(webgpu(), name, () => {
    let device: Device | undefined;
    beforeAll(async () => {
      device = await openDevice({ gpu: await testGpu(), ...options });
    });
    afterAll(() => device?.destroy());
    body(() => {
      if (!device) throw new Error("The device is there in tests and hooks only.");
      return device;
    });
  });
}
