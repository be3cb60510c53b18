/**
 * How a type of KV cache keeps heads on the device. A head is a number of storage elements in a row of its own; kernels
 * read it in units of four values and write it in pieces. The last unit is filled up with zeros.
 */
import type { KvDType } from "@millet/core/backend";

export interface KvFormat {
  readonly dtype: KvDType;
  /** WGSL type of a storage element, and its bytes. */
  readonly element: string;
  readonly elementBytes: number;
  /** Elements of a head of `size` values. */
  headElements(size: number): number;
  /** WGSL of `fn name(head: u32, unit: u32) -> vec4<f32>`; `head` is the head's first element in `array`. */
  load(name: string, array: string, size: number): string;
  /** Pieces that a head of `size` values is written in. */
  pieces(size: number): number;
  /**
   * WGSL of `fn name(to: u32, row: u32, head: u32, piece: u32)`, which writes a piece of the head that begins at element
   * `to`, rounded as core's round-kv.ts says. Values come from `fn source(row: u32, head: u32, unit: u32) -> vec4<f32>`.
   */
  store(name: string, array: string, source: string, size: number): string;
  /** Heads of `size` values each, one after the other, rounded and laid out. */
  pack(values: Float32Array, size: number): Uint32Array<ArrayBuffer>;
  /** What `pack` gave, as values. */
  unpack(words: Uint32Array, size: number): Float32Array<ArrayBuffer>;
}

/** Units of four that hold `size` values. */
export function unitsOf(size: number): number {
  return Math.ceil(size / 4);
}
