/**
 * An output of a call. It lies in a scratch slot until the next call, then in a buffer of its own, until it is read or
 * disposed of.
 */
import type { DeviceBuffer } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { HostTensor, TensorSpec } from "@millet/core/tensor";
import type { Matrix } from "../lower/matrix.js";
import type { ModelRuntime } from "./runtime.js";

export class WebgpuOutput implements DeviceBuffer {
  readonly spec: TensorSpec;
  readonly #runtime: ModelRuntime;
  readonly #matrix: Matrix;
  readonly #signal: AbortSignal | undefined;
  /** Where it lies; undefined once it was read or disposed of. */
  #place: { readonly buffer: GPUBuffer; readonly offset: number; readonly isOwn: boolean } | undefined;

  /** @param buffer of the slot that `matrix` lies in */
  constructor(
    runtime: ModelRuntime,
    spec: TensorSpec,
    matrix: Matrix,
    buffer: GPUBuffer,
    signal?: AbortSignal,
  ) {
    this.spec = spec;
    this.#runtime = runtime;
    this.#matrix = matrix;
    this.#signal = signal;
    this.#place = { buffer, offset: 4 * matrix.offset, isOwn: false };
    runtime.inSlots.add(this);
  }

  /** Moves the output out of its slot. */
  preserve(): void {
    this.#runtime.inSlots.delete(this);
    if (!this.#place || this.#place.isOwn || this.#byteLength === 0) return;
    const own = this.#runtime.ownBuffers.take(this.#byteLength);
    const { buffer, offset } = this.#place;
    this.#runtime.stream.encoder().copyBufferToBuffer(buffer, offset, own, 0, this.#byteLength);
    this.#place = { buffer: own, offset: 0, isOwn: true };
  }

  /**
   * Encodes a copy of the rows into a buffer.
   * @param targetStride bytes between the beginnings of rows there; without padding if left out
   * @throws MilletError DISPOSED
   */
  copyTo(target: GPUBuffer, targetOffset: number, targetStride = 4 * this.#matrix.width): void {
    const { buffer, offset } = this.#taken();
    const encoder = this.#runtime.stream.encoder();
    const [rowBytes, stride] = [4 * this.#matrix.width, 4 * this.#matrix.stride];
    const rows = this.spec.shape[0]!;
    if (stride === targetStride && stride === rowBytes) {
      encoder.copyBufferToBuffer(buffer, offset, target, targetOffset, rows * rowBytes);
      return;
    }
    for (let row = 0; row < rows; row++) {
      const at = targetOffset + row * targetStride;
      encoder.copyBufferToBuffer(buffer, offset + row * stride, target, at, rowBytes);
    }
  }

  async read(): Promise<HostTensor> {
    const { buffer, offset } = this.#taken();
    try {
      const reading = this.#runtime.readBytes(buffer, offset, this.#byteLength);
      this.dispose(); // the copy is encoded: whoever comes later may overwrite the place
      const bytes = await reading;
      if (this.#signal?.aborted) {
        throw new MilletError("ABORTED", "The step was aborted by the caller.", {
          cause: this.#signal.reason,
        });
      }
      return { spec: this.spec, data: this.#unpadded(bytes) };
    } finally {
      this.dispose();
    }
  }

  dispose(): void {
    this.#runtime.inSlots.delete(this);
    if (this.#place?.isOwn) this.#runtime.ownBuffers.give(this.#place.buffer);
    this.#place = undefined;
  }

  /** Bytes from the first element to the last. */
  get #byteLength(): number {
    const rows = this.spec.shape[0]!;
    return rows === 0 ? 0 : 4 * ((rows - 1) * this.#matrix.stride + this.#matrix.width);
  }

  #taken() {
    if (this.#place) return this.#place;
    throw new MilletError("DISPOSED", "The output of a step can be read once, and not after dispose().");
  }

  #unpadded(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
    const { stride, width } = this.#matrix;
    if (stride === width || this.spec.shape[0]! <= 1) return bytes;
    const rows = this.spec.shape[0]!;
    const data = new Uint8Array(4 * rows * width);
    for (let row = 0; row < rows; row++) {
      data.set(bytes.subarray(4 * row * stride, 4 * (row * stride + width)), 4 * row * width);
    }
    return data;
  }
}

/** The output of a call that failed before anything was encoded. */
export class FailedOutput implements DeviceBuffer {
  readonly spec: TensorSpec;
  readonly error: unknown;

  constructor(spec: TensorSpec, error: unknown) {
    this.spec = spec;
    this.error = error;
  }

  async read(): Promise<HostTensor> {
    throw this.error;
  }

  dispose(): void {}
}
