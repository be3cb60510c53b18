/** The WASM engine on shared memory: several workers walk one program; the host writes, waits and reads directly. */
import { abortedError, MilletError } from "@millet/core/errors";
import { Fixed } from "../../../assembly/memory.js";
import type { Engine, EngineCall } from "../engine.js";
import { type Allocated, allocate } from "./allocate.js";
import { CallQueue } from "./call-queue.js";
import { outOfMemory, PAGE_BYTES, pagesOf } from "./pages.js";
import type { WorkerPool } from "./pool.js";

export interface SharedEngineParts {
  readonly memory: WebAssembly.Memory;
  readonly maximumBytes: number;
  readonly pool: WorkerPool;
  readonly description: string;
  readonly limitations: readonly string[];
}

export class SharedEngine implements Engine {
  readonly name = "wasm";
  readonly description: string;
  readonly limitations: readonly string[];
  readonly #memory: WebAssembly.Memory;
  readonly #maximumBytes: number;
  readonly #pool: WorkerPool;
  readonly #queue: CallQueue;
  /** Control words; a shared buffer never moves, so this view stays good. */
  readonly #control: Int32Array<SharedArrayBuffer>;

  constructor({ memory, maximumBytes, pool, description, limitations }: SharedEngineParts) {
    this.#memory = memory;
    this.#maximumBytes = maximumBytes;
    this.#pool = pool;
    this.description = description;
    this.limitations = limitations;
    this.#queue = new CallQueue((busy) => pool.keepAlive(busy));
    this.#control = new Int32Array(sharedBuffer(memory), 0, Fixed.Reserved / 4);
    void pool.lost.then((error) => this.#queue.stop(error));
  }

  get threads(): number {
    return this.#pool.threads;
  }

  get lost(): Promise<MilletError> {
    return this.#pool.lost;
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength;
  }

  async reserve(byteLength: number): Promise<void> {
    const missing = byteLength - this.byteLength;
    if (missing <= 0) return;
    if (byteLength > this.#maximumBytes) throw outOfMemory(byteLength, this.byteLength, this.#maximumBytes);
    try {
      this.#memory.grow(pagesOf(missing));
    } catch (cause) {
      throw outOfMemory(byteLength, this.byteLength, this.#maximumBytes, cause);
    }
  }

  view(address: number, byteLength: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(sharedBuffer(this.#memory), address, byteLength);
  }

  call(call: EngineCall): Promise<readonly Uint8Array[]> {
    return this.#queue.run(() => this.#run(call), call.signal);
  }

  async dispose(): Promise<void> {
    this.#queue.stop(new MilletError("DISPOSED", "The model was disposed; load it again."));
    await this.#pool.terminate();
  }

  async #run({ writes = [], program, reads = [], signal }: EngineCall): Promise<readonly Uint8Array[]> {
    for (const { address, data } of writes) this.view(address, data.byteLength).set(data);
    if (program !== undefined) await this.#runProgram(program, signal);
    return reads.map(({ address, byteLength }) => new Uint8Array(this.view(address, byteLength)));
  }

  async #runProgram(program: number, signal: AbortSignal | undefined): Promise<void> {
    const control = this.#control;
    clearCall(control, this.threads);
    Atomics.store(control, Fixed.Program / 4, program | 0);
    const abort = () => Atomics.store(control, Fixed.Abort / 4, 1);
    signal?.addEventListener("abort", abort);
    Atomics.add(control, Fixed.Generation / 4, 1);
    Atomics.notify(control, Fixed.Generation / 4);
    await this.#finished();
    signal?.removeEventListener("abort", abort);
    if (Atomics.load(control, Fixed.Failed / 4) !== 0) throw this.#pool.failure();
    if (Atomics.load(control, Fixed.Abort / 4) !== 0) throw abortedError(signal, "The call");
  }

  /** Waits until every thread has counted itself finished. */
  async #finished(): Promise<void> {
    const index = Fixed.Finished / 4;
    for (;;) {
      const finished = Atomics.load(this.#control, index);
      if (finished === this.threads) return;
      const wait = this.#pool.announces ? undefined : Atomics.waitAsync(this.#control, index, finished);
      if (wait === undefined) await this.#pool.announcement();
      else if (wait.async) await wait.value;
    }
  }
}

const CALL_WORDS = [
  Fixed.Abort,
  Fixed.Done,
  Fixed.Complete,
  Fixed.Sleepers,
  Fixed.Failed,
  Fixed.Finished,
] as const;

/** Zeroes what the threads count in a call. */
export function clearCall(control: Int32Array, threads: number): void {
  for (const word of CALL_WORDS) Atomics.store(control, word / 4, 0);
  for (let share = 0; share < threads; share++) Atomics.store(control, (Fixed.Claims + share * 64) / 4, 0);
}

function sharedBuffer(memory: WebAssembly.Memory): SharedArrayBuffer {
  const { buffer } = memory;
  if (buffer instanceof SharedArrayBuffer) return buffer;
  throw new MilletError("BACKEND_FAILED", "The engine's memory is not shared.");
}

/**
 * Shared memory, if need be with less room to grow than `maximumBytes`.
 * @throws MilletError OUT_OF_MEMORY
 */
export function sharedMemory(initialBytes: number, maximumBytes: number): Allocated {
  const maximum = pagesOf(maximumBytes);
  try {
    return allocate(pagesOf(initialBytes), maximum, true);
  } catch (cause) {
    throw outOfMemory(initialBytes, 0, maximum * PAGE_BYTES, cause);
  }
}
