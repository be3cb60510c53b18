/** What every app here does with Millet: loads the model at an address and generates from a fixed prompt. */
import { cpu } from "@millet/backend-cpu";
import { inspectWebgpu } from "@millet/backend-webgpu";
import { loadModel } from "@millet/core";

/** @returns what the tests compare, as plain data */
export async function generate(source, options) {
  const model = await loadModel(source, { backend: cpu({ threads: 2, ...options }) });
  const stream = model.generate("Once upon a time", { temperature: 0, maxTokens: 16 });
  const { tokenIds } = await stream.result;
  const { description, threads, limitations } = model.backend.capabilities;
  await model.dispose();
  return { tokenIds: [...tokenIds], description, threads, limitations: [...limitations] };
}

/** @returns the GPU that WebGPU finds here, or the code of the reason why there is none */
export async function findGpu() {
  const { device, error } = await inspectWebgpu();
  return device?.description ?? error.details.reason;
}
