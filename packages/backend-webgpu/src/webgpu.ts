/** The factory that apps pass to loadModel: small, so that a page fetches the backend itself only when it is created. */
import type { BackendFactory } from "@millet/core/backend";
import { importedPart, throwIfAborted } from "@millet/core/errors";
import type { WebgpuOptions } from "./options.js";

/**
 * The WebGPU backend, for `loadModel(source, { backend: webgpu() })`: in browsers on the main thread or in a worker, in
 * Node through the package `webgpu`.
 */
export function webgpu(options: WebgpuOptions = {}): BackendFactory {
  return {
    name: "webgpu",
    create: async ({ signal } = {}) => {
      throwIfAborted(signal, "Starting the WebGPU backend");
      const [{ WebgpuBackend }, { openDevice }] = await importedPart(
        Promise.all([import("./backend.js"), import("./device/open-device.js")]),
        "the WebGPU backend",
      );
      return new WebgpuBackend(await openDevice(options, signal), options);
    },
  };
}
