/**
 * Compiles kernels into pipelines, each code once per device, without holding up the page. A pipeline's bind group 0
 * has the uniform `Params` at binding 0, by dynamic offset, and a storage buffer per entry of `access` from binding 1 on.
 */
import { MilletError } from "@millet/core/errors";
import type { Kernel } from "../program/dispatch.js";
import type { Device } from "./device.js";
import { failureOf } from "./error-scopes.js";
import { STAGE_COMPUTE } from "./flags.js";

/** Bytes of `Params` that a binding shows: a bind group takes `{ buffer, size: PARAMS_BYTES }` at binding 0. */
export const PARAMS_BYTES = 256;

type Access = Kernel["access"];

interface Compiled {
  readonly layouts: Map<string, GPUBindGroupLayout>;
  readonly pipelines: Map<string, Promise<GPUComputePipeline>>;
}

const compiled = new WeakMap<GPUDevice, Compiled>();

function compiledOn(gpu: GPUDevice): Compiled {
  let found = compiled.get(gpu);
  if (!found) compiled.set(gpu, (found = { layouts: new Map(), pipelines: new Map() }));
  return found;
}

/** The layout of bind group 0 of all kernels with this `access`: one object per device. */
export function bindGroupLayout(device: Device, access: Access): GPUBindGroupLayout {
  const { layouts } = compiledOn(device.gpu);
  const key = access.join();
  let layout = layouts.get(key);
  if (!layout) layouts.set(key, (layout = createLayout(device.gpu, access)));
  return layout;
}

function createLayout(gpu: GPUDevice, access: Access): GPUBindGroupLayout {
  // The least size lets WebGPU check a bind group once and not at each dispatch.
  const params: GPUBufferBindingLayout = {
    type: "uniform",
    hasDynamicOffset: true,
    minBindingSize: PARAMS_BYTES,
  };
  const buffers = access.map(
    (kind): GPUBufferBindingLayout => ({ type: kind === "read" ? "read-only-storage" : "storage" }),
  );
  return gpu.createBindGroupLayout({
    label: access.join(),
    entries: [params, ...buffers].map((buffer, binding) => ({ binding, visibility: STAGE_COMPUTE, buffer })),
  });
}

/**
 * The pipeline of `kernel`; the same object for equal code and access.
 * @throws MilletError BACKEND_FAILED with kernel, line and column of an error in the shader; BACKEND_LOST
 */
export function compileKernel(device: Device, kernel: Kernel): Promise<GPUComputePipeline> {
  const { pipelines } = compiledOn(device.gpu);
  const key = `${kernel.access.join()}\n${kernel.code}`;
  let pipeline = pipelines.get(key);
  if (!pipeline) {
    pipelines.set(key, (pipeline = createPipeline(device, kernel)));
    pipeline.catch(() => pipelines.delete(key));
  }
  return pipeline;
}

async function createPipeline(device: Device, kernel: Kernel): Promise<GPUComputePipeline> {
  const { gpu } = device;
  const { name: label, code, access } = kernel;
  gpu.pushErrorScope("validation"); // what is wrong is asked for below, with its place
  const module = gpu.createShaderModule({ label, code });
  const layout = gpu.createPipelineLayout({ label, bindGroupLayouts: [bindGroupLayout(device, access)] });
  const pipeline = gpu.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: "main" } });
  gpu.popErrorScope().catch(() => undefined); // fails on a lost device only, as the pipeline does then
  try {
    return await pipeline;
  } catch (cause) {
    const { messages } = await module.getCompilationInfo();
    const first = messages.find(({ type }) => type === "error");
    if (first) throw shaderError(device, kernel, first, cause);
    throw await failureOf(device, `Compiling the kernel ${label}`, cause);
  }
}

function shaderError(
  device: Device,
  kernel: Kernel,
  found: GPUCompilationMessage,
  cause: unknown,
): MilletError {
  const { lineNum: line, linePos: column, message } = found;
  const sourceLine = kernel.code.split("\n")[line - 1]?.trim() ?? "";
  return new MilletError(
    "BACKEND_FAILED",
    `The kernel ${kernel.name} does not compile on ${device.description}: line ${line}, column ${column}: ${message}: ` +
      `"${sourceLine}". This is a defect of Millet or of the driver: please report it, and use another backend meanwhile.`,
    { cause, details: { kernel: kernel.name, line, column, message, sourceLine } },
  );
}
