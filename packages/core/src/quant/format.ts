/**
 * What a file of this folder describes: how one format lays values out in bytes, and its scalar decode and encode.
 * These are the executable specification of a format; engines have their own fast paths and are tested against it.
 */
import type { DType } from "../tensor/dtype.js";

/** One field of a block: `byteLength` bytes at `byteOffset`, little endian. */
export interface BlockField {
  readonly name: string;
  readonly byteOffset: number;
  readonly byteLength: number;
  /** What the bytes hold. */
  readonly content: string;
}

export interface QuantFormat {
  readonly dtype: DType;
  /** Consecutive elements of a row that share a block. */
  readonly blockElements: number;
  readonly blockBytes: number;
  /** The fields of a block in order; together they cover it without gaps. */
  readonly layout: readonly BlockField[];
  /**
   * Decodes whole blocks.
   * @param bytes n * blockBytes bytes
   * @param values receives n * blockElements values
   */
  decode(bytes: Uint8Array, values: Float32Array): void;
  /**
   * Encodes whole blocks. Block formats expect finite values. f16, bf16, q4_0, q4_1, q5_0, q5_1 and q8_0 round as
   * GGML's reference quantizer does, bit for bit; the K- and IQ-types have a search of our own (fit.ts).
   * @param values n * blockElements values
   * @param bytes receives n * blockBytes bytes
   */
  encode(values: Float32Array, bytes: Uint8Array): void;
}
