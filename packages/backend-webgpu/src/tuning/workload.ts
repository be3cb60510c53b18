/** What kernels work on while they are measured: the model's own weights, noise in place of values, a cache half as long. */
import { type KvPlan, kvElementsPerRow } from "@millet/core/backend";
import { asOpNode } from "@millet/core/ops";
import { BufferUsage } from "../device/flags.js";
import { WebgpuState } from "../kv/state.js";
import { COUNT_WORDS } from "../lower/call-layout.js";
import type { MostRows } from "../lower/context.js";
import type { PlannedGraph } from "../model-plan.js";
import type { CallSize, Operand } from "../program/dispatch.js";
import type { ModelRuntime } from "../run/runtime.js";

/** Most rows of the cache that attention is measured with. */
const MOST_CACHED = 1024;
const NOISE_BYTES = 2 ** 18;

export class Workload {
  readonly #runtime: ModelRuntime;
  readonly #pages: readonly GPUBuffer[];
  readonly #state: WebgpuState;
  readonly #blocks: number;
  readonly #noise: GPUBuffer;
  readonly #calls: GPUBuffer[] = [];

  private constructor(runtime: ModelRuntime, pages: readonly GPUBuffer[], kv: KvPlan) {
    this.#runtime = runtime;
    this.#pages = pages;
    this.#blocks = Math.min(kv.maxBlocks, MOST_CACHED / kv.blockRows);
    this.#state = new WebgpuState(runtime, { ...kv, layers: 1, maxBlocks: this.#blocks });
    const usage = BufferUsage.CopySource | BufferUsage.CopyTarget;
    this.#noise = runtime.device.gpu.createBuffer({ label: "noise", size: NOISE_BYTES, usage });
    runtime.stream.write(this.#noise, 0, new Uint8Array(noise(NOISE_BYTES / 4).buffer));
  }

  /** @throws MilletError OUT_OF_MEMORY, BACKEND_LOST */
  static async create(runtime: ModelRuntime, pages: readonly GPUBuffer[], kv: KvPlan): Promise<Workload> {
    const workload = new Workload(runtime, pages, kv);
    await workload.#fillCache(kv);
    return workload;
  }

  /** Rows of the cache. */
  get #rows(): number {
    return this.#blocks * this.#state.plan.blockRows;
  }

  size(most: MostRows): CallSize {
    return { ...most, longest: this.#rows };
  }

  /** Buffers of operands for a call of a graph with all rows of a program. */
  buffersFor(graph: PlannedGraph, most: MostRows): (operand: Operand) => GPUBuffer {
    const call = this.#call(graph, most);
    return (operand) => {
      if (operand.space === "weights") return this.#pages[operand.page]!;
      if (operand.space === "scratch") return this.#runtime.slot(operand.slot);
      if (operand.space === "call") return call;
      if (operand.space === "positions") return this.#state.positions;
      return operand.space === "keys" ? this.#state.keys(0) : this.#state.values(0);
    };
  }

  /** Encodes copies of noise all over a buffer. */
  fill(encoder: GPUCommandEncoder, buffer: GPUBuffer): void {
    for (let at = 0; at < buffer.size; at += NOISE_BYTES) {
      encoder.copyBufferToBuffer(this.#noise, 0, buffer, at, Math.min(NOISE_BYTES, buffer.size - at));
    }
  }

  destroy(): void {
    this.#state.dispose();
    for (const buffer of [this.#noise, ...this.#calls]) buffer.destroy();
  }

  /** The last row of the one sequence that fills the cache, as often as the program has rows. */
  #call({ graph, layout }: PlannedGraph, most: MostRows): GPUBuffer {
    const words = new Uint32Array(layout.words);
    words[COUNT_WORDS.tokens] = most.tokens;
    words[COUNT_WORDS.logits] = most.logits;
    const fill = (first: number | undefined, count: number, word: (i: number) => number) => {
      for (let i = 0; first !== undefined && i < count; i++) words[first + i] = word(i);
    };
    for (const { op, inputs } of graph.nodes.map(asOpNode)) {
      if (op !== "attention") continue;
      const word = (i: number) => layout.inputs.get(inputs[i]!);
      for (const i of [3, 5]) fill(word(i), most.tokens, () => this.#rows - 1); // positions, writeRows
      fill(word(6), Math.min(this.#blocks, inputs[6]!.spec.shape[1]!), (i) => i); // blockTable
      fill(word(7), 1, () => this.#rows); // lengths
    }
    const usage = BufferUsage.Storage | BufferUsage.CopyTarget;
    const buffer = this.#runtime.device.gpu.createBuffer({ size: words.byteLength, usage });
    this.#calls.push(buffer);
    this.#runtime.stream.write(buffer, 0, new Uint8Array(words.buffer));
    return buffer;
  }

  async #fillCache(kv: KvPlan): Promise<void> {
    if (this.#blocks === 0) return;
    await this.#state.reserve(this.#blocks);
    const all = noise(this.#rows * kvElementsPerRow({ ...kv, layers: 1 }));
    const keys = this.#rows * kv.kvHeads * kv.headDim;
    const positions = Int32Array.from({ length: this.#rows }, (_, row) => row);
    await this.#state.write(0, {
      rows: this.#rows,
      positions,
      keys: all.subarray(0, keys),
      values: all.subarray(keys),
    });
  }
}

/** Uniform in [-1, 1): a linear congruential generator (Numerical Recipes, section 7.1). */
function noise(count: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  let state = 20231;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
}
