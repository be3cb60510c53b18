/** Facts about the machine and the Node that runs `millet`. */
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from "node:os";

export interface Machine {
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly totalBytes: number;
  /** What programs can still take. */
  readonly freeBytes: number;
  readonly simd: boolean;
  readonly relaxedSimd: boolean;
  readonly sharedMemory: boolean;
}

export function inspectMachine(): Machine {
  return {
    node: process.versions.node,
    system: `${platform()} ${release()}, ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    totalBytes:
      process.constrainedMemory() > 0 ? Math.min(process.constrainedMemory(), totalmem()) : totalmem(),
    freeBytes: availableBytes(),
    simd: hasWasm(SIMD),
    relaxedSimd: hasWasm(RELAXED_SIMD),
    sharedMemory: typeof SharedArrayBuffer === "function",
  };
}

/** Free memory and what the system would give up for it, within a container's limit. */
export function availableBytes(): number {
  const available = process.availableMemory();
  return available > 0 ? available : freemem();
}

// Instructions that leave one v128, from the WebAssembly core specification, section 5.4 (binary instructions).
const ZERO_SPLAT = [0x41, 0x00, 0xfd, 0x0f]; // i32.const 0, i8x16.splat
const SIMD = ZERO_SPLAT;
const RELAXED_SIMD = [...ZERO_SPLAT, ...ZERO_SPLAT, 0xfd, 0x80, 0x02]; // i8x16.relaxed_swizzle

/** Whether this engine accepts a module with one function () -> v128 of these instructions. */
function hasWasm(instructions: readonly number[]): boolean {
  const body = [0x00, ...instructions, 0x0b];
  const code = [0x01, body.length, ...body];
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const types = [0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b];
  const functions = [0x03, 0x02, 0x01, 0x00];
  return WebAssembly.validate(
    new Uint8Array([...header, ...types, ...functions, 0x0a, code.length, ...code]),
  );
}
