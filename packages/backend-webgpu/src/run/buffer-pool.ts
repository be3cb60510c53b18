/** Buffers that are used again and again for the same purpose, by size: nothing is allocated once a loop is warm. */
import type { Device } from "../device/device.js";

/** Sizes are rounded up to these bytes, so that similar needs share buffers. */
const GRANULE = 256;

export class BufferPool {
  readonly #device: Device;
  readonly #usage: GPUBufferUsageFlags;
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #all = new Set<GPUBuffer>();

  constructor(device: Device, usage: GPUBufferUsageFlags) {
    this.#device = device;
    this.#usage = usage;
  }

  /** A buffer of at least `byteLength` bytes, its content undefined. */
  take(byteLength: number): GPUBuffer {
    const size = Math.max(GRANULE, Math.ceil(byteLength / GRANULE) * GRANULE);
    const known = this.#free.get(size)?.pop();
    if (known) return known;
    const buffer = this.#device.gpu.createBuffer({ size, usage: this.#usage });
    this.#all.add(buffer);
    return buffer;
  }

  give(buffer: GPUBuffer): void {
    if (!this.#all.has(buffer)) return; // the pool was destroyed meanwhile
    const list = this.#free.get(buffer.size);
    if (list) list.push(buffer);
    else this.#free.set(buffer.size, [buffer]);
  }

  destroy(): void {
    for (const buffer of this.#all) buffer.destroy();
    this.#all.clear();
    this.#free.clear();
  }
}
