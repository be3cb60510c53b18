/** Times compute passes: by timestamp queries where the device has them, else by a clock around a submission. */
import type { Device } from "../device/device.js";
import { BufferUsage } from "../device/flags.js";
import { readBuffer } from "../device/read-buffer.js";

export type FillPass = (pass: GPUComputePassEncoder) => void;

export interface PassTimer {
  /** Shorter passes are not measured well. */
  readonly leastMs: number;
  /** Milliseconds of each pass, which run one after the other. */
  time(passes: readonly FillPass[]): Promise<number[]>;
}

export function passTimer(device: Device, now: () => number): PassTimer {
  return device.features.has("timestamp-query") ? new QueryTimer(device) : new ClockTimer(device, now);
}

/** Browsers round timestamps to 0.1 ms. */
class QueryTimer implements PassTimer {
  readonly leastMs = 2;
  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  async time(passes: readonly FillPass[]): Promise<number[]> {
    const { gpu } = this.#device;
    const count = 2 * passes.length;
    const querySet = gpu.createQuerySet({ type: "timestamp", count });
    const usage = BufferUsage.QueryResolve | BufferUsage.CopySource;
    const resolved = gpu.createBuffer({ size: 8 * count, usage });
    const encoder = gpu.createCommandEncoder();
    passes.forEach((fill, i) => {
      const timestampWrites = {
        querySet,
        beginningOfPassWriteIndex: 2 * i,
        endOfPassWriteIndex: 2 * i + 1,
      };
      const pass = encoder.beginComputePass({ timestampWrites });
      fill(pass);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    gpu.queue.submit([encoder.finish()]);
    try {
      const times = new BigUint64Array((await readBuffer(this.#device, resolved, 0, 8 * count)).buffer);
      return passes.map((_, i) => Number(times[2 * i + 1]! - times[2 * i]!) / 1e6);
    } finally {
      resolved.destroy();
      querySet.destroy();
    }
  }
}

/** What a submission costs by itself is in all times; passes should be long beside it. */
class ClockTimer implements PassTimer {
  readonly leastMs = 4;
  readonly #device: Device;
  readonly #now: () => number;

  constructor(device: Device, now: () => number) {
    this.#device = device;
    this.#now = now;
  }

  async time(passes: readonly FillPass[]): Promise<number[]> {
    const { queue } = this.#device.gpu;
    const times: number[] = [];
    for (const fill of passes) {
      const encoder = this.#device.gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      fill(pass);
      pass.end();
      const commands = encoder.finish();
      await queue.onSubmittedWorkDone();
      const begin = this.#now();
      queue.submit([commands]);
      await queue.onSubmittedWorkDone();
      times.push(this.#now() - begin);
    }
    return times;
  }
}
