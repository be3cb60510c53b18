/** The factory that apps pass to loadModel: small, so that a page fetches the backend itself only when it is created. */
import type { BackendFactory } from "@millet/core/backend";
import { importedPart, throwIfAborted } from "@millet/core/errors";
import type { CpuOptions } from "./options.js";

/**
 * The CPU backend, for `loadModel(source, { backend: cpu() })`. It computes in workers, in Node and in browsers, and
 * needs no configuration of bundlers.
 */
export function cpu(options: CpuOptions = {}): BackendFactory {
  return {
    name: "cpu",
    create: async ({ signal } = {}) => {
      throwIfAborted(signal, "Starting the CPU backend");
      const { CpuBackend } = await importedPart(import("./backend.js"), "the CPU backend");
      throwIfAborted(signal, "Starting the CPU backend");
      return new CpuBackend(options);
    },
  };
}
