/** A KV cache in JavaScript's memory: rows of float32 per layer, gathered for a call and written after it. */
import type { KvPlan, KvSnapshot, State } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";

/** One kind of row (keys or values) of all layers. */
class Rows {
  readonly columns: number;
  #layers: Float32Array<ArrayBuffer>[];

  constructor(layers: number, columns: number) {
    this.columns = columns;
    this.#layers = Array.from({ length: layers }, () => new Float32Array(0));
  }

  grow(rows: number): void {
    this.#layers = this.#layers.map((old) => {
      const layer = new Float32Array(rows * this.columns);
      layer.set(old);
      return layer;
    });
  }

  clear(): void {
    this.#layers = this.#layers.map(() => new Float32Array(0));
  }

  move(from: number, to: number, count: number): void {
    const { columns } = this;
    for (const layer of this.#layers)
      layer.copyWithin(to * columns, from * columns, (from + count) * columns);
  }

  read(first: number, count: number): Float32Array {
    const length = count * this.columns;
    const result = new Float32Array(this.#layers.length * length);
    this.#layers.forEach((layer, i) => {
      const start = first * this.columns;
      result.set(layer.subarray(start, start + length), i * length);
    });
    return result;
  }

  write(first: number, count: number, source: Float32Array): void {
    const length = count * this.columns;
    this.#layers.forEach((layer, i) => {
      layer.set(source.subarray(i * length, (i + 1) * length), first * this.columns);
    });
  }

  /** Chosen rows, one after the other: a view at the start of the memory where they are the first ones, in order. */
  gather(layer: number, rows: readonly number[]): Float32Array {
    const source = this.#layers[layer]!;
    if (rows.every((row, i) => row === i)) return source.subarray(0, rows.length * this.columns);
    const result = new Float32Array(rows.length * this.columns);
    rows.forEach((row, i) => {
      result.set(source.subarray(row * this.columns, (row + 1) * this.columns), i * this.columns);
    });
    return result;
  }

  scatter(layer: number, rows: Int32Array, source: Float32Array): void {
    rows.forEach((row, i) => {
      const from = source.subarray(i * this.columns, (i + 1) * this.columns);
      this.#layers[layer]!.set(from, row * this.columns);
    });
  }
}

export class OnnxState implements State {
  readonly plan: KvPlan;
  positions = new Int32Array(0);
  readonly keys: Rows;
  readonly values: Rows;
  /** Runs work after everything that was asked for before; the model's queue. */
  readonly #enqueue: <T>(work: () => T | Promise<T>) => Promise<T>;

  constructor(plan: KvPlan, enqueue: <T>(work: () => T | Promise<T>) => Promise<T>) {
    this.plan = plan;
    this.#enqueue = enqueue;
    this.keys = new Rows(plan.layers, plan.kvHeads * plan.headDim);
    this.values = new Rows(plan.layers, plan.kvHeads * plan.valueDim);
  }

  /** Rows that exist once what is queued has run. */
  rows = 0;

  reserve(blocks: number): Promise<void> {
    if (blocks > this.plan.maxBlocks) {
      const what = `The KV cache is planned for ${this.plan.maxBlocks} blocks, not ${blocks}.`;
      return Promise.reject(new MilletError("OUT_OF_MEMORY", what));
    }
    const rows = blocks * this.plan.blockRows;
    return this.#enqueue(() => {
      if (rows <= this.positions.length) return;
      this.#grow(rows);
    });
  }

  #grow(rows: number): void {
    try {
      this.keys.grow(rows);
      this.values.grow(rows);
    } catch (cause) {
      const what = `There is no memory for a KV cache of ${rows} rows. Close other programs, or use a smaller contextLength.`;
      throw new MilletError("OUT_OF_MEMORY", what, { cause });
    }
    const positions = new Int32Array(rows);
    positions.set(this.positions);
    this.positions = positions;
    this.rows = rows;
  }

  copy(fromRow: number, toRow: number, count: number): Promise<void> {
    return this.#enqueue(() => {
      this.positions.copyWithin(toRow, fromRow, fromRow + count);
      this.keys.move(fromRow, toRow, count);
      this.values.move(fromRow, toRow, count);
    });
  }

  read(firstRow: number, count: number): Promise<KvSnapshot> {
    return this.#enqueue(() => ({
      rows: count,
      positions: this.positions.slice(firstRow, firstRow + count),
      keys: this.keys.read(firstRow, count),
      values: this.values.read(firstRow, count),
    }));
  }

  write(firstRow: number, { rows, positions, keys, values }: KvSnapshot): Promise<void> {
    return this.#enqueue(() => {
      this.positions.set(positions, firstRow);
      this.keys.write(firstRow, rows, keys);
      this.values.write(firstRow, rows, values);
    });
  }

  dispose(): void {
    this.keys.clear();
    this.values.clear();
  }
}
