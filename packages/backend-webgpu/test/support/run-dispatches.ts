/** Runs dispatches on given buffers in one pass: for tests of kernels that need several. */
import { bindGroupLayout, compileKernel, PARAMS_BYTES } from "../../src/device/compile.js";
import type { Device } from "../../src/device/device.js";
import { withErrorScopes } from "../../src/device/error-scopes.js";
import { BufferUsage } from "../../src/device/flags.js";
import type { CallSize, Dispatch, Operand } from "../../src/program/dispatch.js";

export async function runDispatches(
  device: Device,
  dispatches: readonly Dispatch[],
  size: CallSize,
  bufferOf: (operand: Operand) => GPUBuffer,
): Promise<void> {
  const { gpu } = device;
  const pipelines = await Promise.all(dispatches.map(({ kernel }) => compileKernel(device, kernel)));
  await withErrorScopes(device, "Running dispatches", () => {
    const params = dispatches.map((dispatch) => paramsBuffer(gpu, dispatch));
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    dispatches.forEach(({ kernel, operands, grid }, i) => {
      pass.setPipeline(pipelines[i]!);
      const entries = [
        { binding: 0, resource: { buffer: params[i]!, size: PARAMS_BYTES } },
        ...operands.map((operand, k) => ({ binding: k + 1, resource: { buffer: bufferOf(operand) } })),
      ];
      pass.setBindGroup(
        0,
        gpu.createBindGroup({ layout: bindGroupLayout(device, kernel.access), entries }),
        [0],
      );
      pass.dispatchWorkgroups(...grid(size));
    });
    pass.end();
    gpu.queue.submit([encoder.finish()]);
    for (const buffer of params) buffer.destroy();
  });
}

function paramsBuffer(gpu: GPUDevice, { params }: Dispatch): GPUBuffer {
  const buffer = gpu.createBuffer({
    size: PARAMS_BYTES,
    usage: BufferUsage.Uniform | BufferUsage.CopyTarget,
  });
  gpu.queue.writeBuffer(buffer, 0, Uint32Array.from(params));
  return buffer;
}
