/**
 * Keys and values of all layers in JavaScript's memory as GroupQueryAttention takes them: f32[1, kvHeads, capacity, size]
 * each, in arrays of their own, since runtimes ignore an array's offset. Rows are copied in and out; nothing is shared.
 */
import type { KvPlan } from "@millet/core/backend";
import type { OrtLike, OrtTensor } from "../runtime/ort.js";

export type KvSizes = Pick<KvPlan, "layers" | "kvHeads" | "headDim" | "valueDim">;

/** Keys or values of all layers. */
export class HeadRows {
  readonly heads: number;
  /** Elements of a row of one head. */
  readonly size: number;
  #capacity = 0;
  #layers: Float32Array<ArrayBuffer>[];
  #tensors: (OrtTensor | undefined)[] = [];

  constructor(layers: number, heads: number, size: number) {
    this.heads = heads;
    this.size = size;
    this.#layers = Array.from({ length: layers }, () => new Float32Array(0));
  }

  /** Rows that stay keep what they hold. One layer after the other, so that little lies in memory twice. */
  resize(capacity: number): void {
    const kept = Math.min(capacity, this.#capacity) * this.size;
    for (const [i, old] of this.#layers.entries()) {
      const layer = new Float32Array(this.heads * capacity * this.size);
      for (let head = 0; head < this.heads; head++) {
        const from = head * this.#capacity * this.size;
        layer.set(old.subarray(from, from + kept), head * capacity * this.size);
      }
      this.#layers[i] = layer;
    }
    this.#capacity = capacity;
    this.#tensors = [];
  }

  /** The memory of a layer. [1, heads, capacity, size] */
  tensor(layer: number, Tensor: OrtLike["Tensor"]): OrtTensor {
    const dims = [1, this.heads, this.#capacity, this.size];
    return (this.#tensors[layer] ??= new Tensor("float32", this.#layers[layer]!, dims));
  }

  /** Within one layer: rows of all heads. */
  copyRows(layer: number, from: HeadRows, fromRow: number, toRow: number, count: number): void {
    const { size } = this;
    const [source, target] = [from.#layers[layer]!, this.#layers[layer]!];
    for (let head = 0; head < this.heads; head++) {
      const start = (head * from.#capacity + fromRow) * size;
      target.set(source.subarray(start, start + count * size), (head * this.#capacity + toRow) * size);
    }
  }

  /** Rows of one layer, all heads of a row together. [count, heads, size] */
  readRows(layer: number, firstRow: number, count: number, target: Float32Array): void {
    const { heads, size } = this;
    const source = this.#layers[layer]!;
    for (let head = 0; head < heads; head++) {
      for (let row = 0; row < count; row++) {
        const start = (head * this.#capacity + firstRow + row) * size;
        const to = (row * heads + head) * size;
        for (let i = 0; i < size; i++) target[to + i] = source[start + i]!;
      }
    }
  }

  /** The opposite. */
  writeRows(layer: number, firstRow: number, count: number, source: Float32Array): void {
    const { heads, size } = this;
    const target = this.#layers[layer]!;
    for (let head = 0; head < heads; head++) {
      for (let row = 0; row < count; row++) {
        const from = (row * heads + head) * size;
        const start = (head * this.#capacity + firstRow + row) * size;
        for (let i = 0; i < size; i++) target[start + i] = source[from + i]!;
      }
    }
  }
}

export class KvBuffer {
  readonly sizes: KvSizes;
  readonly keys: HeadRows;
  readonly values: HeadRows;
  capacity = 0;

  constructor(sizes: KvSizes) {
    const { layers, kvHeads, headDim, valueDim } = sizes;
    this.sizes = sizes;
    this.keys = new HeadRows(layers, kvHeads, headDim);
    this.values = new HeadRows(layers, kvHeads, valueDim);
  }

  /** @throws RangeError if there is no memory */
  resize(capacity: number): void {
    this.keys.resize(capacity);
    this.values.resize(capacity);
    this.capacity = capacity;
  }

  /** Copies rows of all layers; within one buffer they may overlap. */
  copyFrom(source: KvBuffer, fromRow: number, toRow: number, count: number): void {
    for (let layer = 0; layer < this.sizes.layers; layer++) {
      this.keys.copyRows(layer, source.keys, fromRow, toRow, count);
      this.values.copyRows(layer, source.values, fromRow, toRow, count);
    }
  }
}
