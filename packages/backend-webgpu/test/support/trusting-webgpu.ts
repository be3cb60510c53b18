/**
 * The backend without its self-test, which would compile as many kernels again as the tests that use this: they compare
 * what kernels compute with what is known themselves.
 */
import type { BackendFactory } from "@millet/core/backend";
import { WebgpuBackend } from "../../src/backend.js";
import { openDevice } from "../../src/device/open-device.js";
import type { WebgpuOptions } from "../../src/options.js";

export function trustingWebgpu(options: WebgpuOptions = {}): BackendFactory {
  return {
    name: "webgpu",
    create: async () => new WebgpuBackend(await openDevice(options), options, true),
  };
}
