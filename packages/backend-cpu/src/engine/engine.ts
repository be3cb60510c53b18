/**
 * The boundary between the lowering and whatever interprets Programs: a flat memory, and calls that write to it, run a
 * program and read from it. WASM implements it; a native addon implements the same. Nothing here knows of tensors.
 */
import type { MilletError } from "@millet/core/errors";

/** Bytes to place at an address before a program runs. */
export interface MemoryWrite {
  readonly address: number;
  readonly data: Uint8Array;
}

/** A place in memory to read after a program has run. */
export interface MemoryRange {
  readonly address: number;
  readonly byteLength: number;
}

/** Writes, then a program, then reads: one unit, in the order of the calls. */
export interface EngineCall {
  readonly writes?: readonly MemoryWrite[];
  /** Byte address of the program; none to move memory only. */
  readonly program?: number;
  readonly reads?: readonly MemoryRange[];
  /** Cuts the running program short. */
  readonly signal?: AbortSignal;
}

export interface Engine {
  readonly name: "wasm" | "native";
  /** For people: instruction set, memory. */
  readonly description: string;
  readonly threads: number;
  /** What is slower than it could be, and why; each a full sentence. */
  readonly limitations: readonly string[];
  /** Settles when the engine stops for good by itself; never rejects. */
  readonly lost: Promise<MilletError>;
  /** Bytes of memory that exist. */
  readonly byteLength: number;
  /**
   * Makes memory up to `byteLength` exist; new bytes are zero.
   * @throws MilletError OUT_OF_MEMORY; what exists stays as it is
   */
  reserve(byteLength: number): Promise<void>;
  /**
   * Memory to fill directly while no call uses it, or undefined where the host cannot see the engine's memory. Valid
   * until the next `reserve`.
   */
  view(address: number, byteLength: number): Uint8Array | undefined;
  /**
   * Shows the bytes of an open file at the same addresses of memory, read when they are touched; no call may run. The
   * file may then be closed, and must not be made shorter. Absent where the engine cannot. @returns false if the system
   * refuses, and nothing has changed
   */
  map?(file: number, address: number, byteLength: number): boolean;
  /** Puts zeros where a file was shown. */
  unmap?(address: number, byteLength: number): void;
  /**
   * Runs after all earlier calls.
   * @returns copies of the ranges read
   * @throws MilletError ABORTED, BACKEND_LOST, BACKEND_FAILED, DISPOSED
   */
  call(call: EngineCall): Promise<readonly Uint8Array[]>;
  /** Stops the threads and gives the memory back; pending calls fail with DISPOSED. */
  dispose(): Promise<void>;
}

/** An engine that was started before it was known what it will run. */
export interface EarlyEngine extends Engine {
  /**
   * Takes the sizes of what it will run; what memory holds stays.
   * @throws MilletError OUT_OF_MEMORY
   */
  settle(limits: EngineLimits): void;
}

/** Sizes that an engine is made for. */
export interface EngineLimits {
  /** Memory that exists from the start. */
  readonly initialBytes: number;
  /** Memory that may ever exist. */
  readonly maximumBytes: number;
  /** Memory that is touched here and there at first: large pages would be cleared as a whole for a few bytes each. */
  readonly sparse?: MemoryRange;
}
