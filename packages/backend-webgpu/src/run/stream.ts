/**
 * The order of work on a device's queue. Commands gather in one encoder until something must go out: a write that has to
 * come after them, a wait, or the end of the current task. So a step and the copies of its results are one submission.
 */
import type { Device } from "../device/device.js";

export class Stream {
  /** How often commands were submitted, for tests and traces. */
  submissions = 0;
  readonly #device: Device;
  #encoder: GPUCommandEncoder | undefined;

  constructor(device: Device) {
    this.#device = device;
  }

  /** The encoder that commands go to; submitted at the end of the current task at the latest. */
  encoder(): GPUCommandEncoder {
    if (!this.#encoder) {
      this.#encoder = this.#device.gpu.createCommandEncoder();
      queueMicrotask(() => this.flush());
    }
    return this.#encoder;
  }

  /** Writes bytes after all commands so far. The bytes may change as soon as this returns. */
  write(buffer: GPUBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.flush();
    this.#device.gpu.queue.writeBuffer(buffer, offset, bytes);
  }

  flush(): void {
    const encoder = this.#encoder;
    if (!encoder) return;
    this.#encoder = undefined;
    this.submissions++;
    this.#device.gpu.queue.submit([encoder.finish()]);
  }
}
