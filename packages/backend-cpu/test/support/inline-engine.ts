/**
 * An engine on the calling thread: the WASM module without workers, for tests of kernels and for profiles. It can run
 * any thread's share, so that tests try every division of work without timing.
 */

import { gunzipSync } from "node:zlib";
import { Fixed } from "../../assembly/memory.js";
import { gzippedBase64 as plain } from "../../build/plain-shared.js";
import { gzippedBase64 as relaxed } from "../../build/relaxed-shared.js";
import type { Engine, EngineCall } from "../../src/engine/engine.js";

export interface InlineOptions {
  readonly simd?: "relaxed" | "plain";
  /** Dot mode instead of the one found. */
  readonly dot?: number;
  /** Called after every step with its index in the program and the milliseconds it took. */
  readonly onStep?: (index: number, elapsedMs: number) => void;
}

interface Exports {
  initialize(): number;
  setDot(mode: number): void;
  run(program: number, thread: number, threads: number): void;
  runStep(step: number, share: number, shares: number): number;
}

const PAGE_BYTES = 65536;

export class InlineEngine implements Engine {
  readonly name = "wasm";
  readonly description = "WASM on the calling thread";
  readonly threads = 1;
  readonly limitations = [];
  readonly lost = new Promise<never>(() => {});
  /** Dot mode in use. */
  readonly dot: number;
  readonly #memory: WebAssembly.Memory;
  readonly #engine: Exports;
  readonly #onStep: InlineOptions["onStep"];

  constructor(byteLength: number, { simd = "relaxed", dot, onStep }: InlineOptions = {}) {
    const pages = Math.ceil(byteLength / PAGE_BYTES);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
    const bytes = gunzipSync(Buffer.from(simd === "relaxed" ? relaxed : plain, "base64"));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: this.#memory },
    });
    this.#engine = instance.exports as WebAssembly.Exports & Exports;
    this.#onStep = onStep;
    const found = this.#engine.initialize();
    this.dot = dot ?? found;
    if (dot !== undefined) this.#engine.setDot(dot);
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength;
  }

  async reserve(byteLength: number): Promise<void> {
    const missing = byteLength - this.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
  }

  view(address: number, byteLength: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, byteLength);
  }

  async call(call: EngineCall): Promise<readonly Uint8Array[]> {
    return this.runNow(call);
  }

  /** The same, at once. */
  runNow({ writes = [], program, reads = [] }: EngineCall): readonly Uint8Array[] {
    for (const { address, data } of writes) this.view(address, data.byteLength).set(data);
    if (program !== undefined) this.#run(program);
    return reads.map(({ address, byteLength }) => new Uint8Array(this.view(address, byteLength)));
  }

  /** Runs a program of one step as each of `threads` in turn, in the order given. */
  runShares(program: number, threads: number, order: readonly number[] = [...Array(threads).keys()]): void {
    this.#clear();
    for (const thread of order) this.#engine.runStep(program, thread, threads);
  }

  async dispose(): Promise<void> {}

  #run(program: number): void {
    this.#clear();
    if (!this.#onStep) {
      this.#engine.run(program, 0, 1);
      return;
    }
    let step = program;
    for (let index = 0; step !== 0; index++) {
      const began = performance.now();
      step = this.#engine.runStep(step, 0, 1);
      this.#onStep(index, performance.now() - began);
    }
  }

  #clear(): void {
    new Int32Array(this.#memory.buffer)[Fixed.Abort / 4] = 0;
  }
}
