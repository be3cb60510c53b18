/**
 * A KV cache on the device: buffers that grow, and moves of rows. All work goes through the stream of the model's steps,
 * so that it keeps its place among them.
 */
import type { KvPlan, KvSnapshot, State } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Device } from "../device/device.js";
import { withErrorScopes } from "../device/error-scopes.js";
import { BufferUsage } from "../device/flags.js";
import type { Stream } from "../run/stream.js";
import type { KvFormat } from "./format.js";
import { type KvRowBytes, kvBytes, kvFormat, kvRowBytes, mostBlocks } from "./layout.js";

/** What a cache needs of the model that it belongs to. */
export interface KvRuntime {
  readonly device: Device;
  readonly stream: Stream;
  /** Bytes of a buffer after all commands so far; the copy is encoded before the call returns. */
  readBytes(buffer: GPUBuffer, offset: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>>;
}

interface Buffers {
  /** Per layer. */
  readonly keys: readonly GPUBuffer[];
  readonly values: readonly GPUBuffer[];
  readonly positions: GPUBuffer;
}

/** Bytes that one read or copy of rows may take at a time. */
const MOVE_BYTES = 32 * 2 ** 20;

const USAGE = BufferUsage.Storage | BufferUsage.CopySource | BufferUsage.CopyTarget;

export class WebgpuState implements State {
  readonly plan: KvPlan;
  /** Another object whenever the buffers are others. */
  generation: object = {};
  readonly #runtime: KvRuntime;
  readonly #format: KvFormat;
  readonly #rowBytes: KvRowBytes;
  #blocks = 0;
  #buffers: Buffers | undefined;
  #isDisposed = false;
  /** The last call of `reserve`: one follows the other. */
  #growing: Promise<void> = Promise.resolve();

  /** @throws MilletError KV_DTYPE_UNSUPPORTED */
  constructor(runtime: KvRuntime, plan: KvPlan) {
    this.plan = plan;
    this.#runtime = runtime;
    this.#format = kvFormat(plan.dtype);
    this.#rowBytes = kvRowBytes(plan);
  }

  /** Rows that exist. */
  get rows(): number {
    return this.#blocks * this.plan.blockRows;
  }

  keys(layer: number): GPUBuffer {
    return this.#existing.keys[layer]!;
  }

  values(layer: number): GPUBuffer {
    return this.#existing.values[layer]!;
  }

  get positions(): GPUBuffer {
    return this.#existing.positions;
  }

  reserve(blocks: number): Promise<void> {
    const grown = this.#growing.then(() => this.#reserve(blocks));
    this.#growing = grown.catch(() => undefined); // the caller gets the failure
    return grown;
  }

  async copy(fromRow: number, toRow: number, count: number): Promise<void> {
    this.#check(fromRow, count);
    this.#check(toRow, count);
    if (count === 0 || fromRow === toRow) return;
    // Not within one buffer: WebGPU forbids it in many versions, and the ranges may overlap.
    const size = count * Math.max(this.#rowBytes.keys, this.#rowBytes.values, 4);
    await this.#move(`Copying ${count} rows of the KV cache`, size, (between, encoder) => {
      this.#eachBuffer((buffer, rowBytes) => {
        encoder.copyBufferToBuffer(buffer, fromRow * rowBytes, between, 0, count * rowBytes);
        encoder.copyBufferToBuffer(between, 0, buffer, toRow * rowBytes, count * rowBytes);
      });
    });
  }

  async read(firstRow: number, count: number): Promise<KvSnapshot> {
    this.#check(firstRow, count);
    const snapshot = emptySnapshot(this.plan, count);
    const moves: Promise<void>[] = [];
    for (let row = 0; row < count; row += this.#rowsPerMove) {
      const rows = Math.min(this.#rowsPerMove, count - row);
      moves.push(this.#readPart(firstRow + row, rows, snapshot, row)); // all begin before the first is awaited
    }
    await Promise.all(moves);
    return snapshot;
  }

  async write(firstRow: number, snapshot: KvSnapshot): Promise<void> {
    this.#check(firstRow, snapshot.rows);
    if (snapshot.rows === 0) return;
    const { stream } = this.#runtime;
    const { keys, values, positions } = this.#existing;
    stream.write(positions, 4 * firstRow, bytesOf(snapshot.positions.slice(0, snapshot.rows)));
    for (let layer = 0; layer < this.plan.layers; layer++) {
      for (const [buffers, all, size, rowBytes] of [
        [keys, snapshot.keys, this.plan.headDim, this.#rowBytes.keys],
        [values, snapshot.values, this.plan.valueDim, this.#rowBytes.values],
      ] as const) {
        const packed = this.#format.pack(layerOf(all, this.plan, snapshot.rows, layer, size), size);
        stream.write(buffers[layer]!, firstRow * rowBytes, bytesOf(packed));
      }
    }
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#runtime.stream.flush(); // commands that are not submitted yet may use the buffers
    destroy(this.#buffers);
    this.#buffers = undefined;
    this.#blocks = 0;
    this.generation = {};
  }

  /** @throws MilletError DISPOSED, INVALID_ARGUMENT */
  get #existing(): Buffers {
    this.#throwIfDisposed();
    if (this.#buffers) return this.#buffers;
    throw new MilletError("INVALID_ARGUMENT", "The KV cache has no rows yet: reserve some first.");
  }

  get #rowsPerMove(): number {
    const { keys, values } = this.#rowBytes;
    return Math.max(1, Math.floor(MOVE_BYTES / (4 + this.plan.layers * (keys + values))));
  }

  async #reserve(blocks: number): Promise<void> {
    this.#throwIfDisposed();
    if (blocks <= this.#blocks) return;
    this.#checkSize(blocks);
    const what = `A KV cache of ${blocks * this.plan.blockRows} tokens (${megabytes(kvBytes(this.plan, blocks))})`;
    const created: GPUBuffer[] = [];
    try {
      await withErrorScopes(this.#runtime.device, what, () => this.#createBuffers(blocks, created));
      this.#throwIfDisposed();
    } catch (error) {
      for (const buffer of created) buffer.destroy();
      throw error;
    }
    this.#replace(blocks, created);
  }

  /** Keys and values of each layer, then positions; `created` holds what there is should one of them fail. */
  #createBuffers(blocks: number, created: GPUBuffer[]): void {
    const rows = blocks * this.plan.blockRows;
    for (let layer = 0; layer < this.plan.layers; layer++) {
      created.push(this.#create(`keys ${layer}`, rows * this.#rowBytes.keys));
      created.push(this.#create(`values ${layer}`, rows * this.#rowBytes.values));
    }
    created.push(this.#create("positions", rows * 4));
  }

  #create(label: string, size: number): GPUBuffer {
    return this.#runtime.device.gpu.createBuffer({ label, size, usage: USAGE });
  }

  /** Takes new buffers into use with the rows of the old ones. */
  #replace(blocks: number, created: readonly GPUBuffer[]): void {
    const old = this.#buffers;
    const rows = this.rows;
    this.#buffers = {
      keys: created.filter((_, i) => i % 2 === 0).slice(0, this.plan.layers),
      values: created.filter((_, i) => i % 2 === 1),
      positions: created.at(-1)!,
    };
    this.#blocks = blocks;
    this.generation = {};
    if (!old) return;
    const { stream } = this.#runtime;
    const encoder = stream.encoder();
    const copy = (from: GPUBuffer, to: GPUBuffer, rowBytes: number) =>
      encoder.copyBufferToBuffer(from, 0, to, 0, rows * rowBytes);
    this.#buffers.keys.forEach((buffer, layer) => copy(old.keys[layer]!, buffer, this.#rowBytes.keys));
    this.#buffers.values.forEach((buffer, layer) => copy(old.values[layer]!, buffer, this.#rowBytes.values));
    copy(old.positions, this.#buffers.positions, 4);
    stream.flush();
    destroy(old);
  }

  #checkSize(blocks: number): void {
    const { maxBlocks, blockRows } = this.plan;
    const possible = Math.min(maxBlocks, mostBlocks(this.plan, this.#runtime.device.limits));
    if (blocks <= possible) return;
    const reason =
      possible === maxBlocks
        ? `is planned for ${maxBlocks} blocks of ${blockRows} rows, not ${blocks}. Load the model with a longer context`
        : `can have ${possible} blocks of ${blockRows} rows on this GPU, whose buffers are limited, not ${blocks}. ` +
          "Load the model with a shorter context or a smaller type of KV cache";
    throw new MilletError("OUT_OF_MEMORY", `The KV cache ${reason}.`, {
      details: { neededBlocks: blocks, availableBlocks: possible },
    });
  }

  /** Calls `body` with every buffer and the bytes of its rows. */
  #eachBuffer(body: (buffer: GPUBuffer, rowBytes: number, layer: number) => void): void {
    const { keys, values, positions } = this.#existing;
    body(positions, 4, 0);
    for (let layer = 0; layer < this.plan.layers; layer++) {
      body(keys[layer]!, this.#rowBytes.keys, layer);
      body(values[layer]!, this.#rowBytes.values, layer);
    }
  }

  /** Encodes copies by way of a buffer of `size` bytes. They have their place among the steps before the first wait. */
  async #move<T>(
    what: string,
    size: number,
    encode: (between: GPUBuffer, encoder: GPUCommandEncoder) => T | Promise<T>,
  ): Promise<T> {
    const { device, stream } = this.#runtime;
    stream.flush(); // what fails from here on is this move
    return withErrorScopes(device, what, () => {
      const between = this.#create("rows", size);
      const result = encode(between, stream.encoder());
      stream.flush();
      between.destroy(); // once the submitted copies are done
      return result;
    });
  }

  async #readPart(firstRow: number, rows: number, snapshot: KvSnapshot, at: number): Promise<void> {
    const { keys, values } = this.#rowBytes;
    const size = rows * (4 + this.plan.layers * (keys + values));
    const bytes = await this.#move(`Reading ${rows} rows of the KV cache`, size, (between, encoder) => {
      let offset = 0;
      this.#eachBuffer((buffer, rowBytes) => {
        encoder.copyBufferToBuffer(buffer, firstRow * rowBytes, between, offset, rows * rowBytes);
        offset += rows * rowBytes;
      });
      return this.#runtime.readBytes(between, 0, size);
    });
    this.#unpack(new Uint32Array(bytes.buffer, bytes.byteOffset, size / 4), rows, snapshot, at);
  }

  /** Rows of all buffers, one after the other, to rows `at` and after of a snapshot. */
  #unpack(words: Uint32Array, rows: number, snapshot: KvSnapshot, at: number): void {
    const { layers, kvHeads, headDim, valueDim } = this.plan;
    let offset = rows;
    snapshot.positions.set(words.subarray(0, rows), at);
    for (let layer = 0; layer < layers; layer++) {
      for (const [target, size, rowBytes] of [
        [snapshot.keys, headDim, this.#rowBytes.keys],
        [snapshot.values, valueDim, this.#rowBytes.values],
      ] as const) {
        const length = (rows * rowBytes) / 4;
        const heads = this.#format.unpack(words.subarray(offset, offset + length), size);
        target.set(heads, (layer * snapshot.rows + at) * kvHeads * size);
        offset += length;
      }
    }
  }

  #check(firstRow: number, count: number): void {
    this.#throwIfDisposed();
    if (firstRow >= 0 && count >= 0 && firstRow + count <= this.rows) return;
    const wanted = `${firstRow} to ${firstRow + count}`;
    throw new MilletError("INVALID_ARGUMENT", `Rows ${wanted} of the KV cache: ${this.rows} are reserved.`);
  }

  #throwIfDisposed(): void {
    if (this.#isDisposed) throw new MilletError("DISPOSED", "The KV cache was disposed; create another.");
  }
}

function destroy(buffers: Buffers | undefined): void {
  if (!buffers) return;
  for (const buffer of [...buffers.keys, ...buffers.values, buffers.positions]) buffer.destroy();
}

function emptySnapshot({ layers, kvHeads, headDim, valueDim }: KvPlan, rows: number): KvSnapshot {
  return {
    rows,
    positions: new Int32Array(rows),
    keys: new Float32Array(layers * rows * kvHeads * headDim),
    values: new Float32Array(layers * rows * kvHeads * valueDim),
  };
}

function layerOf(
  all: Float32Array,
  { kvHeads }: KvPlan,
  rows: number,
  layer: number,
  size: number,
): Float32Array {
  const length = rows * kvHeads * size;
  return all.subarray(layer * length, (layer + 1) * length);
}

function bytesOf(words: Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}
