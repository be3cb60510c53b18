/**
 * The reference KV cache: one float32 array per layer for keys and one for values, rows in order. Of a narrower type it
 * keeps the rounded values.
 */
import { MilletError } from "../../errors.js";
import type { HostState } from "../../graph/host-state.js";
import type { KvPlan, KvSnapshot } from "../../graph/kv.js";
import type { State } from "../backend.js";
import { roundKv } from "../round-kv.js";

export class ReferenceState implements State, HostState {
  readonly plan: KvPlan;
  readonly blockRows: number;
  positions = new Int32Array(0);
  #keys: Float32Array[];
  #values: Float32Array[];

  constructor(plan: KvPlan) {
    this.plan = plan;
    this.blockRows = plan.blockRows;
    this.#keys = Array.from({ length: plan.layers }, () => new Float32Array(0));
    this.#values = Array.from({ length: plan.layers }, () => new Float32Array(0));
  }

  get #keyColumns(): number {
    return this.plan.kvHeads * this.plan.headDim;
  }

  get #valueColumns(): number {
    return this.plan.kvHeads * this.plan.valueDim;
  }

  keys(layer: number): Float32Array {
    return this.#keys[layer]!;
  }

  values(layer: number): Float32Array {
    return this.#values[layer]!;
  }

  store(layer: number, row: number, position: number, keys: Float32Array, values: Float32Array): void {
    this.positions[row] = position;
    this.#set(this.#keys[layer]!, row * this.#keyColumns, keys, this.plan.headDim);
    this.#set(this.#values[layer]!, row * this.#valueColumns, values, this.plan.valueDim);
  }

  async reserve(blocks: number): Promise<void> {
    if (blocks > this.plan.maxBlocks) {
      throw new MilletError(
        "OUT_OF_MEMORY",
        `The KV cache is planned for ${this.plan.maxBlocks} blocks, not ${blocks}.`,
      );
    }
    const rows = blocks * this.blockRows;
    if (rows <= this.positions.length) return;
    this.positions = grown(this.positions, new Int32Array(rows));
    this.#keys = this.#keys.map((old) => grown(old, new Float32Array(rows * this.#keyColumns)));
    this.#values = this.#values.map((old) => grown(old, new Float32Array(rows * this.#valueColumns)));
  }

  async copy(fromRow: number, toRow: number, count: number): Promise<void> {
    this.positions.copyWithin(toRow, fromRow, fromRow + count);
    const move = (rows: Float32Array, columns: number) =>
      rows.copyWithin(toRow * columns, fromRow * columns, (fromRow + count) * columns);
    for (const rows of this.#keys) move(rows, this.#keyColumns);
    for (const rows of this.#values) move(rows, this.#valueColumns);
  }

  async read(firstRow: number, count: number): Promise<KvSnapshot> {
    return {
      rows: count,
      positions: this.positions.slice(firstRow, firstRow + count),
      keys: gather(this.#keys, firstRow * this.#keyColumns, count * this.#keyColumns),
      values: gather(this.#values, firstRow * this.#valueColumns, count * this.#valueColumns),
    };
  }

  async write(firstRow: number, snapshot: KvSnapshot): Promise<void> {
    this.positions.set(snapshot.positions, firstRow);
    const put = (
      source: Float32Array,
      layers: readonly Float32Array[],
      columns: number,
      headSize: number,
    ) => {
      const length = snapshot.rows * columns;
      layers.forEach((rows, layer) => {
        this.#set(rows, firstRow * columns, source.subarray(layer * length, (layer + 1) * length), headSize);
      });
    };
    put(snapshot.keys, this.#keys, this.#keyColumns, this.plan.headDim);
    put(snapshot.values, this.#values, this.#valueColumns, this.plan.valueDim);
  }

  dispose(): void {
    this.positions = new Int32Array(0);
    this.#keys = [];
    this.#values = [];
  }

  /** Whole heads to `rows` at `start`, rounded. */
  #set(rows: Float32Array, start: number, source: Float32Array, headSize: number): void {
    rows.set(source, start);
    roundKv(this.plan.dtype, rows.subarray(start, start + source.length), headSize);
  }
}

function grown<A extends Int32Array | Float32Array>(old: A, target: A): A {
  target.set(old);
  return target;
}

/** The same span of every layer, one after the other. */
function gather(layers: readonly Float32Array[], start: number, length: number): Float32Array {
  const result = new Float32Array(layers.length * length);
  layers.forEach((rows, layer) => {
    result.set(rows.subarray(start, start + length), layer * length);
  });
  return result;
}
