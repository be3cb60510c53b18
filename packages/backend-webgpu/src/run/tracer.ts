/** Times every dispatch of a program by timestamp queries, each in a pass of its own (WebGPU, section 20). */
import { MilletError } from "@millet/core/errors";
import type { Device } from "../device/device.js";
import { BufferUsage } from "../device/flags.js";
import type { DispatchTrace } from "../options.js";
import type { CallSize } from "../program/dispatch.js";
import type { Buffers, CompiledProgram } from "./compiled-program.js";
import type { ModelRuntime } from "./runtime.js";

/** Queries that a set may hold (WebGPU, section 20.1). */
const MOST_QUERIES = 4096;

export class Tracer {
  readonly #runtime: ModelRuntime;
  readonly #report: (dispatch: DispatchTrace) => void;

  /** @throws MilletError BACKEND_UNAVAILABLE if the device has no timestamp queries */
  constructor(runtime: ModelRuntime, report: (dispatch: DispatchTrace) => void) {
    requireTimestamps(runtime.device);
    this.#runtime = runtime;
    this.#report = report;
  }

  encode(
    encoder: GPUCommandEncoder,
    compiled: CompiledProgram,
    size: CallSize,
    buffers: Buffers,
    key: unknown,
  ): void {
    const { gpu } = this.#runtime.device;
    const count = Math.min(MOST_QUERIES, 2 * compiled.program.dispatches.length);
    const querySet = gpu.createQuerySet({ type: "timestamp", count });
    let open: GPUComputePassEncoder | undefined;
    compiled.encode(size, buffers, key, (index) => {
      open?.end();
      const at = 2 * index;
      open = encoder.beginComputePass(
        at + 1 < count
          ? { timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } }
          : {},
      );
      return open;
    });
    open?.end();
    const usage = BufferUsage.QueryResolve | BufferUsage.CopySource;
    const resolved = gpu.createBuffer({ size: 8 * count, usage });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    const reading = this.#runtime.readBytes(resolved, 0, 8 * count);
    void reading
      .then((bytes) => this.#reportAll(compiled, new BigUint64Array(bytes.buffer)))
      .catch(() => undefined) // the outputs' read() reports what went wrong
      .finally(() => {
        resolved.destroy();
        querySet.destroy();
      });
  }

  #reportAll({ program }: CompiledProgram, times: BigUint64Array): void {
    program.dispatches.forEach(({ kernel, label }, index) => {
      const [begin, end] = [times[2 * index], times[2 * index + 1]];
      if (begin === undefined || end === undefined) return;
      const elapsedMs = Number(end - begin) / 1e6;
      this.#report({ program: program.name, index, kernel: kernel.name, label, elapsedMs });
    });
  }
}

function requireTimestamps(device: Device): void {
  if (device.features.has("timestamp-query")) return;
  throw new MilletError(
    "BACKEND_UNAVAILABLE",
    `webgpu({ trace }) needs timestamp queries, which ${device.description} does not have. Leave trace out.`,
  );
}
