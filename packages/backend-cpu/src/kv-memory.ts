/** Hands out memory for blocks of the KV cache, growing the engine's memory as needed and reusing what states gave back. */
import { isMilletError } from "@millet/core/errors";
import type { Engine } from "./engine/engine.js";
import { aligned } from "./lower/region.js";

/** Memory grows by at least this much: growing stops all threads for a moment. */
const GROWTH_BYTES = 8 * 1024 * 1024;

export class KvMemory {
  readonly #engine: Engine;
  readonly #maximumBytes: number;
  readonly #free = new Map<number, number[]>();
  #end: number;
  #growing: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, start: number, maximumBytes: number) {
    this.#engine = engine;
    this.#end = aligned(start);
    this.#maximumBytes = maximumBytes;
  }

  /**
   * Addresses of `count` pieces of `byteLength`, a multiple of the alignment. Requests are served in turn.
   * @throws MilletError OUT_OF_MEMORY; nothing is taken then
   */
  allocate(byteLength: number, count: number): Promise<number[]> {
    const result = this.#growing.then(() => this.#allocate(byteLength, count));
    this.#growing = result.catch(() => undefined);
    return result;
  }

  release(byteLength: number, addresses: readonly number[]): void {
    const free = this.#free.get(byteLength) ?? [];
    this.#free.set(byteLength, [...free, ...addresses]);
  }

  async #allocate(byteLength: number, count: number): Promise<number[]> {
    const free = this.#free.get(byteLength) ?? [];
    const fresh = Math.max(0, count - free.length);
    await this.#grow(this.#end + fresh * byteLength);
    const reused = free.splice(0, count - fresh);
    const first = this.#end;
    this.#end += fresh * byteLength;
    return [...reused, ...Array.from({ length: fresh }, (_, i) => first + i * byteLength)];
  }

  async #grow(needed: number): Promise<void> {
    if (needed <= this.#engine.byteLength) return;
    const generous = Math.min(this.#engine.byteLength + GROWTH_BYTES, this.#maximumBytes);
    if (generous > needed && (await this.#reserved(generous))) return;
    await this.#engine.reserve(needed);
  }

  /** Whether there is memory for more than is needed: the engine may have had to settle for less than planned. */
  async #reserved(byteLength: number): Promise<boolean> {
    try {
      await this.#engine.reserve(byteLength);
      return true;
    } catch (error) {
      if (isMilletError(error) && error.code === "OUT_OF_MEMORY") return false;
      throw error;
    }
  }
}
