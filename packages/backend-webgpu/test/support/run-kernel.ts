/** Runs one kernel on given data: for tests of kernels, and for nothing else, since it allocates all it needs. */
import { bindGroupLayout, compileKernel, PARAMS_BYTES } from "../../src/device/compile.js";
import type { Device } from "../../src/device/device.js";
import { withErrorScopes } from "../../src/device/error-scopes.js";
import { BufferUsage } from "../../src/device/flags.js";
import { readBuffer } from "../../src/device/read-buffer.js";
import type { Kernel } from "../../src/program/dispatch.js";

type Words = Float32Array | Uint32Array | Int32Array | Uint8Array;

export interface KernelRun {
  /** The words of `Params`; floats as the bits of f32, see `floatBits`. */
  readonly params: readonly number[];
  /** Contents of the bindings from 1 on; a multiple of 4 bytes each. */
  readonly data: readonly Words[];
  readonly grid: readonly [number, number, number];
}

/** @returns the bytes of every binding afterwards, in order */
export async function runKernel(device: Device, kernel: Kernel, run: KernelRun): Promise<Uint8Array[]> {
  const { gpu } = device;
  const pipeline = await compileKernel(device, kernel);
  const { params, buffers } = await withErrorScopes(device, `Running ${kernel.name}`, () => {
    const params = filled(
      gpu,
      Uint32Array.from({ length: PARAMS_BYTES / 4 }, (_, i) => run.params[i] ?? 0),
    );
    const buffers = run.data.map((data) => filled(gpu, data));
    const bindGroup = gpu.createBindGroup({
      layout: bindGroupLayout(device, kernel.access),
      entries: [
        { binding: 0, resource: { buffer: params, size: PARAMS_BYTES } },
        ...buffers.map((buffer, i) => ({ binding: i + 1, resource: { buffer } })),
      ],
    });
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup, [0]);
    pass.dispatchWorkgroups(...run.grid);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
    return { params, buffers };
  });
  const results = await Promise.all(
    run.data.map(({ byteLength }, i) => readBuffer(device, buffers[i]!, 0, byteLength)),
  );
  for (const buffer of [params, ...buffers]) buffer.destroy();
  return results;
}

/** The bits of f32s as words of `Params`. */
export function floatBits(...values: readonly number[]): number[] {
  return [...new Uint32Array(Float32Array.from(values).buffer)];
}

/** Bytes as f32s. */
export function asFloats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

function filled(gpu: GPUDevice, data: Words): GPUBuffer {
  const buffer = gpu.createBuffer({
    size: Math.max(16, data.byteLength),
    usage: BufferUsage.Storage | BufferUsage.Uniform | BufferUsage.CopySource | BufferUsage.CopyTarget,
  });
  gpu.queue.writeBuffer(buffer, 0, data.buffer, data.byteOffset, data.byteLength);
  return buffer;
}
