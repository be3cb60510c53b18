/** The native engine behind the boundary of engine/engine.ts: memory outside of JavaScript, threads inside the addon. */
import { abortedError, MilletError } from "@millet/core/errors";
import type { EarlyEngine, EngineCall, EngineLimits, MemoryRange } from "../engine/engine.js";
import { CallQueue } from "../engine/wasm/call-queue.js";
import { outOfMemory } from "../engine/wasm/pages.js";
import type { NativeHandle } from "./addon.js";
import type { NativeFound } from "./load.js";

/** @throws MilletError OUT_OF_MEMORY, BACKEND_UNAVAILABLE; nothing stays behind */
export function createNativeEngine(native: NativeFound, threads: number, limits: EngineLimits): EarlyEngine {
  const handle = open(native, threads, limits);
  const engine = new NativeEngine(handle, native.level, threads, limits);
  try {
    engine.grow(limits.initialBytes);
  } catch (error) {
    handle.dispose();
    throw error;
  }
  return engine;
}

function open({ addon, level }: NativeFound, threads: number, { maximumBytes }: EngineLimits): NativeHandle {
  try {
    return new addon.NativeEngine(level, threads, maximumBytes);
  } catch (cause) {
    if (codeOf(cause) === "ERR_OUT_OF_MEMORY") throw outOfMemory(maximumBytes, 0, maximumBytes, cause);
    const message = `The native engine did not start: ${cause instanceof Error ? cause.message : String(cause)}.`;
    throw new MilletError("BACKEND_UNAVAILABLE", message, { cause });
  }
}

const NOWHERE: MemoryRange = { address: 0, byteLength: 0 };

class NativeEngine implements EarlyEngine {
  readonly name = "native";
  readonly description: string;
  readonly limitations: readonly string[];
  readonly lost = new Promise<MilletError>(() => {}); // its threads end with the process only
  readonly threads: number;
  readonly #handle: NativeHandle;
  #maximumBytes: number;
  #sparse: MemoryRange;
  readonly #queue = new CallQueue(() => {});
  #running: Promise<unknown> = Promise.resolve();
  #byteLength = 0;

  /** @param wanted threads; `handle` may have fewer */
  constructor(handle: NativeHandle, level: string, wanted: number, limits: EngineLimits) {
    const { threads } = handle;
    this.#handle = handle;
    this.threads = threads;
    this.#maximumBytes = limits.maximumBytes;
    this.#sparse = limits.sparse ?? NOWHERE;
    this.description = describeNative(level, threads);
    this.limitations =
      threads < wanted
        ? [`The CPU backend has ${threads} of ${wanted} threads: the system gave no more.`]
        : [];
  }

  settle({ initialBytes, maximumBytes, sparse }: EngineLimits): void {
    this.#maximumBytes = maximumBytes;
    this.#sparse = sparse ?? NOWHERE;
    this.grow(initialBytes);
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  async reserve(byteLength: number): Promise<void> {
    this.grow(byteLength);
  }

  grow(byteLength: number): void {
    if (byteLength <= this.#byteLength) return;
    if (byteLength > this.#maximumBytes || !this.#growTo(byteLength)) {
      throw outOfMemory(byteLength, this.#byteLength, this.#maximumBytes);
    }
    this.#byteLength = byteLength;
  }

  #growTo(byteLength: number): boolean {
    const { address, byteLength: sparseBytes } = this.#sparse;
    const upTo = (end: number, large: boolean) => this.#handle.grow(Math.min(end, byteLength), large);
    return upTo(address, true) && upTo(address + sparseBytes, false) && upTo(byteLength, true);
  }

  view(address: number, byteLength: number): Uint8Array<ArrayBuffer> | undefined {
    const buffer = this.#handle.view(address, byteLength);
    return buffer && new Uint8Array(buffer);
  }

  map(file: number, address: number, byteLength: number): boolean {
    return this.#handle.map(file, address, byteLength);
  }

  unmap(address: number, byteLength: number): void {
    if (this.#handle.unmap(address, byteLength)) return;
    throw outOfMemory(this.#byteLength, this.#byteLength - byteLength, this.#maximumBytes);
  }

  call(call: EngineCall): Promise<readonly Uint8Array[]> {
    return this.#queue.run(() => this.#run(call), call.signal);
  }

  async dispose(): Promise<void> {
    this.#queue.stop(new MilletError("DISPOSED", "The model was disposed; load it again."));
    await this.#stop();
    this.#handle.dispose();
  }

  /** Cuts a running program short, so that ending the threads does not hold up this thread. */
  async #stop(): Promise<void> {
    try {
      this.#handle.abort();
    } catch (error) {
      if (codeOf(error) !== "ERR_DISPOSED") throw error;
    }
    await this.#running;
  }

  async #run({ writes = [], program, reads = [], signal }: EngineCall): Promise<readonly Uint8Array[]> {
    for (const { address, data } of writes) this.#handle.write(address, data);
    if (program !== undefined) await this.#runProgram(program, signal);
    return reads.map(({ address, byteLength }) => {
      const bytes = new Uint8Array(byteLength);
      this.#handle.read(address, bytes);
      return bytes;
    });
  }

  async #runProgram(program: number, signal: AbortSignal | undefined): Promise<void> {
    const abort = () => this.#handle.abort();
    const running = this.#start(program);
    this.#running = running;
    signal?.addEventListener("abort", abort);
    const outcome = await running;
    signal?.removeEventListener("abort", abort);
    if (outcome !== 0) throw abortedError(signal, "The call");
  }

  #start(program: number): Promise<number> {
    try {
      return this.#handle.run(program);
    } catch (cause) {
      throw new MilletError("BACKEND_FAILED", `The native engine refused a program: ${String(cause)}`, {
        cause,
      });
    }
  }
}

/** One line for people. */
export function describeNative(level: string, threads: number): string {
  return `native ${level}, ${threads} thread${threads === 1 ? "" : "s"}`;
}

/** The addon's name for an error. */
function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
