/**
 * Data types of tensors: plain element types and block-quantized ones, with their sizes in bytes.
 * Names follow GGML in lower case. How a block is laid out is written in quant/<format>.ts.
 */

/** Facts of a data type. A block is `blockElements` consecutive elements of a row in `blockBytes` bytes. */
export interface DTypeInfo {
  readonly blockElements: number;
  readonly blockBytes: number;
  readonly quantized: boolean;
}

const plain = (bytes: number): DTypeInfo => ({ blockElements: 1, blockBytes: bytes, quantized: false });
const block = (elements: number, bytes: number): DTypeInfo => ({
  blockElements: elements,
  blockBytes: bytes,
  quantized: true,
});

/** The one list of data types. */
export const DTYPES = {
  f64: plain(8),
  f32: plain(4),
  f16: plain(2),
  bf16: plain(2),
  i32: plain(4),
  u32: plain(4),
  i8: plain(1),
  u8: plain(1),
  q4_0: block(32, 18),
  q4_1: block(32, 20),
  q5_0: block(32, 22),
  q5_1: block(32, 24),
  q8_0: block(32, 34),
  q2_k: block(256, 84),
  q3_k: block(256, 110),
  q4_k: block(256, 144),
  q5_k: block(256, 176),
  q6_k: block(256, 210),
  iq4_nl: block(32, 18),
  iq4_xs: block(256, 136),
} as const satisfies Record<string, DTypeInfo>;

export type DType = keyof typeof DTYPES;

export function isDType(name: string): name is DType {
  return Object.hasOwn(DTYPES, name);
}
