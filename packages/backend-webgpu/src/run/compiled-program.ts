/** A program with its pipelines, parameters and bind groups: everything that a step needs exists before its first run. */

import { bindGroupLayout, compileKernel, PARAMS_BYTES } from "../device/compile.js";
import type { Device } from "../device/device.js";
import { BufferUsage } from "../device/flags.js";
import type { CallSize, Dispatch, Operand, Program } from "../program/dispatch.js";

/** Finds the buffer of an operand. */
export type Buffers = (operand: Operand) => GPUBuffer;

export class CompiledProgram {
  readonly program: Program;
  readonly #device: Device;
  readonly #pipelines: readonly GPUComputePipeline[];
  readonly #params: GPUBuffer;
  readonly #offsets: Uint32Array;
  /** By the key of what the buffers depend on. */
  #groups: { readonly key: unknown; readonly list: readonly GPUBindGroup[] } | undefined;

  private constructor(
    device: Device,
    program: Program,
    pipelines: readonly GPUComputePipeline[],
    params: GPUBuffer,
    offsets: Uint32Array,
  ) {
    this.#device = device;
    this.program = program;
    this.#pipelines = pipelines;
    this.#params = params;
    this.#offsets = offsets;
  }

  /** @throws MilletError BACKEND_FAILED naming the kernel and the line that the device refuses */
  static async create(device: Device, program: Program): Promise<CompiledProgram> {
    const pipelines = await Promise.all(
      program.dispatches.map(({ kernel }) => compileKernel(device, kernel)),
    );
    const { bytes, offsets } = paramsOf(program.dispatches);
    const usage = BufferUsage.Uniform | BufferUsage.CopyTarget;
    const params = device.gpu.createBuffer({ size: bytes.byteLength, usage });
    device.gpu.queue.writeBuffer(params, 0, bytes);
    return new CompiledProgram(device, program, pipelines, params, offsets);
  }

  /**
   * Encodes the dispatches.
   * @param key changes when `buffers` gives others: bind groups are then made anew
   * @param pass gives the pass of the i-th dispatch; the same one each time unless a trace wants one for each
   */
  encode(
    size: CallSize,
    buffers: Buffers,
    key: unknown,
    pass: (index: number) => GPUComputePassEncoder,
  ): void {
    const groups = this.#groupsFor(buffers, key);
    this.program.dispatches.forEach((dispatch, i) => {
      const [x, y, z] = dispatch.grid(size);
      if (x * y * z === 0) return;
      const encoder = pass(i);
      encoder.setPipeline(this.#pipelines[i]!);
      encoder.setBindGroup(0, groups[i]!, this.#offsets, i, 1);
      encoder.dispatchWorkgroups(x, y, z);
    });
  }

  destroy(): void {
    this.#params.destroy();
  }

  #groupsFor(buffers: Buffers, key: unknown): readonly GPUBindGroup[] {
    if (this.#groups && this.#groups.key === key) return this.#groups.list;
    const list = this.program.dispatches.map(({ kernel, operands }) =>
      this.#device.gpu.createBindGroup({
        layout: bindGroupLayout(this.#device, kernel.access),
        entries: [
          { binding: 0, resource: { buffer: this.#params, size: PARAMS_BYTES } },
          ...operands.map((operand, k) => ({ binding: k + 1, resource: { buffer: buffers(operand) } })),
        ],
      }),
    );
    this.#groups = { key, list };
    return list;
  }
}

/** Parameters side by side, equal ones once. */
function paramsOf(dispatches: readonly Dispatch[]): { bytes: Uint8Array<ArrayBuffer>; offsets: Uint32Array } {
  const places = new Map<string, number>();
  const offsets = new Uint32Array(dispatches.length);
  dispatches.forEach(({ params }, i) => {
    const key = params.join(",");
    if (!places.has(key)) places.set(key, places.size);
    offsets[i] = places.get(key)! * PARAMS_BYTES;
  });
  const words = new Uint32Array((places.size * PARAMS_BYTES) / 4);
  dispatches.forEach(({ params }, i) => words.set(params, (offsets[i] ?? 0) / 4));
  return { bytes: new Uint8Array(words.buffer), offsets };
}
