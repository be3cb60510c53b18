/**
 * What the executables and states of one loaded model share: the order of commands, scratch slots, read-back buffers, and
 * the failures that the device reports on the side.
 */
import type { MilletError } from "@millet/core/errors";
import type { Device } from "../device/device.js";
import { errorOf, failureOf } from "../device/error-scopes.js";
import { BufferUsage, MAP_READ } from "../device/flags.js";
import { BufferPool } from "./buffer-pool.js";
import { Stream } from "./stream.js";

/** What lies in a scratch slot and can be moved out. */
export interface SlotTenant {
  preserve(): void;
}

export class ModelRuntime {
  readonly device: Device;
  readonly stream: Stream;
  /** Buffers of outputs that outlived their slots. */
  readonly ownBuffers: BufferPool;
  /** Outputs that still lie in scratch slots. */
  readonly inSlots = new Set<SlotTenant>();
  /** Bytes read back so far, for tests and reports. */
  bytesRead = 0;
  readonly #readBack: BufferPool;
  #slots: GPUBuffer[] = [];
  #failure: MilletError | undefined;
  readonly #onError = (event: GPUUncapturedErrorEvent) => {
    this.#failure ??= errorOf(event.error, "Running the model");
  };

  constructor(device: Device) {
    this.device = device;
    this.stream = new Stream(device);
    this.ownBuffers = new BufferPool(device, BufferUsage.CopySource | BufferUsage.CopyTarget);
    this.#readBack = new BufferPool(device, BufferUsage.MapRead | BufferUsage.CopyTarget);
    device.gpu.addEventListener("uncapturederror", this.#onError);
    void device.lost.then((error) => {
      this.#failure = error;
    });
  }

  /** Makes the scratch slots, each as large as the program that needs most of it. */
  createSlots(byteLengths: readonly number[]): void {
    const usage = BufferUsage.Storage | BufferUsage.CopySource | BufferUsage.CopyTarget;
    this.#slots = byteLengths.map((size) => this.device.gpu.createBuffer({ size: roundUp(size), usage }));
  }

  /** Makes those anew that are smaller than that. What lay in them is lost. */
  growSlots(byteLengths: readonly number[]): void {
    const sizes = byteLengths.map((size, i) => Math.max(size, this.#slots[i]?.size ?? 0));
    const kept = this.#slots.slice(sizes.length).map(({ size }) => size);
    if (sizes.every((size, i) => this.#slots[i]?.size === roundUp(size))) return;
    for (const buffer of this.#slots) buffer.destroy();
    this.createSlots([...sizes, ...kept]);
  }

  slot(index: number): GPUBuffer {
    return this.#slots[index]!;
  }

  /** Moves outputs of earlier calls out of the slots, which the next call overwrites. */
  preserveOutputs(): void {
    for (const output of [...this.inSlots]) output.preserve();
  }

  /**
   * Reads a range of a buffer after all commands so far.
   * @throws MilletError BACKEND_LOST, BACKEND_FAILED, OUT_OF_MEMORY; what any earlier command failed with
   */
  async readBytes(buffer: GPUBuffer, offset: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>> {
    this.throwFailure();
    if (byteLength === 0) return new Uint8Array(0);
    this.bytesRead += byteLength;
    const target = this.#readBack.take(byteLength);
    this.stream.encoder().copyBufferToBuffer(buffer, offset, target, 0, byteLength);
    this.stream.flush();
    try {
      await target.mapAsync(MAP_READ, 0, byteLength);
      const bytes = new Uint8Array(target.getMappedRange(0, byteLength)).slice();
      target.unmap();
      this.#readBack.give(target);
      this.throwFailure();
      return bytes;
    } catch (error) {
      throw await failureOf(this.device, "Reading a result", error);
    }
  }

  /** @throws MilletError the first failure that the device reported; later calls may be fine again unless it is lost */
  throwFailure(): void {
    const failure = this.#failure;
    if (!failure) return;
    if (failure.code !== "BACKEND_LOST") this.#failure = undefined;
    throw failure;
  }

  destroy(): void {
    this.device.gpu.removeEventListener("uncapturederror", this.#onError);
    this.inSlots.clear();
    this.ownBuffers.destroy();
    this.#readBack.destroy();
    for (const buffer of this.#slots) buffer.destroy();
    this.#slots = [];
  }
}

/** Buffers are a multiple of 16 bytes, so that kernels may read four words at once. */
function roundUp(byteLength: number): number {
  return Math.max(16, Math.ceil(byteLength / 16) * 16);
}
