/**
 * A KV cache in JavaScript's memory. Rows of all sequences lie in one buffer; each has its position and a stamp that
 * changes with what it holds.
 */
import type { KvPlan, KvSnapshot, State } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import { type HeadRows, KvBuffer } from "./kv-buffer.js";
import { Mirrors } from "./mirror.js";

export class OnnxState implements State {
  readonly plan: KvPlan;
  readonly buffer: KvBuffer;
  readonly mirrors: Mirrors;
  positions = new Int32Array(0);
  /** Which writing each row's contents are of, counted up. */
  stamps = new Float64Array(0);
  #writings = 0;
  /** Rows after the reserved ones, which padded calls write to; nobody owns them. */
  #spareRows = 0;
  /** Runs work after everything that was asked for before; the model's queue. */
  readonly #enqueue: <T>(work: () => T | Promise<T>) => Promise<T>;

  constructor(plan: KvPlan, enqueue: <T>(work: () => T | Promise<T>) => Promise<T>) {
    this.plan = plan;
    this.#enqueue = enqueue;
    this.buffer = new KvBuffer(plan);
    this.mirrors = new Mirrors(plan);
  }

  /** Reserved rows, once what is queued has run. */
  get rows(): number {
    return this.positions.length;
  }

  reserve(blocks: number): Promise<void> {
    if (blocks > this.plan.maxBlocks) {
      const what = `The KV cache is planned for ${this.plan.maxBlocks} blocks, not ${blocks}.`;
      return Promise.reject(new MilletError("OUT_OF_MEMORY", what));
    }
    const rows = blocks * this.plan.blockRows;
    return this.#enqueue(() => {
      if (rows > this.rows) this.#grow(rows);
    });
  }

  /**
   * Makes the buffer hold so many rows, reserved or not.
   * @throws MilletError OUT_OF_MEMORY; the state stays usable
   */
  makeRoom(rows: number): void {
    if (rows <= this.buffer.capacity) return;
    this.#spareRows = Math.max(this.#spareRows, rows - this.rows);
    this.#resize(this.rows + this.#spareRows);
  }

  #grow(rows: number): void {
    this.#resize(rows + this.#spareRows);
    const [positions, stamps] = [new Int32Array(rows), new Float64Array(rows)];
    positions.set(this.positions);
    stamps.set(this.stamps);
    this.positions = positions;
    this.stamps = stamps;
  }

  #resize(rows: number): void {
    try {
      this.buffer.resize(rows);
    } catch (cause) {
      const what = `There is no memory for a KV cache of ${rows} rows. Close other programs, or use a smaller contextLength.`;
      throw new MilletError("OUT_OF_MEMORY", what, { cause });
    }
  }

  /** Notes that a row has new contents. */
  touch(row: number): void {
    this.stamps[row] = ++this.#writings;
  }

  copy(fromRow: number, toRow: number, count: number): Promise<void> {
    return this.#enqueue(() => {
      this.positions.copyWithin(toRow, fromRow, fromRow + count);
      this.buffer.copyFrom(this.buffer, fromRow, toRow, count);
      this.#touchAll(toRow, count);
    });
  }

  read(firstRow: number, count: number): Promise<KvSnapshot> {
    return this.#enqueue(() => ({
      rows: count,
      positions: this.positions.slice(firstRow, firstRow + count),
      keys: this.#readAll(this.buffer.keys, firstRow, count),
      values: this.#readAll(this.buffer.values, firstRow, count),
    }));
  }

  write(firstRow: number, { rows, positions, keys, values }: KvSnapshot): Promise<void> {
    return this.#enqueue(() => {
      this.positions.set(positions, firstRow);
      this.#writeAll(this.buffer.keys, firstRow, rows, keys);
      this.#writeAll(this.buffer.values, firstRow, rows, values);
      this.#touchAll(firstRow, rows);
    });
  }

  dispose(): void {
    this.buffer.resize(0);
    this.mirrors.clear();
  }

  #touchAll(firstRow: number, count: number): void {
    for (let row = firstRow; row < firstRow + count; row++) this.touch(row);
  }

  /** [layers, count, heads, size] */
  #readAll(rows: HeadRows, firstRow: number, count: number): Float32Array {
    const length = count * rows.heads * rows.size;
    const result = new Float32Array(this.plan.layers * length);
    for (let layer = 0; layer < this.plan.layers; layer++)
      rows.readRows(layer, firstRow, count, result.subarray(layer * length, (layer + 1) * length));
    return result;
  }

  #writeAll(rows: HeadRows, firstRow: number, count: number, source: Float32Array): void {
    const length = count * rows.heads * rows.size;
    for (let layer = 0; layer < this.plan.layers; layer++)
      rows.writeRows(layer, firstRow, count, source.subarray(layer * length, (layer + 1) * length));
  }
}
