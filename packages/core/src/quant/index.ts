/**
 * The list of number formats with a file in this folder, and conversion between any of them and f32.
 * Adding a format: its file, its line here, its line in tensor/dtype.ts.
 */
import { MilletError } from "../errors.js";
import { DTYPES, type DType } from "../tensor/dtype.js";
import { bf16 } from "./bf16.js";
import { f16 } from "./f16.js";
import type { QuantFormat } from "./format.js";
import { iq4_nl } from "./iq4_nl.js";
import { iq4_xs } from "./iq4_xs.js";
import { q2_k } from "./q2_k.js";
import { q3_k } from "./q3_k.js";
import { q4_0 } from "./q4_0.js";
import { q4_1 } from "./q4_1.js";
import { q4_k } from "./q4_k.js";
import { q5_0 } from "./q5_0.js";
import { q5_1 } from "./q5_1.js";
import { q5_k } from "./q5_k.js";
import { q6_k } from "./q6_k.js";
import { q8_0 } from "./q8_0.js";

export { f16ToNumber, numberToF16 } from "./f16.js";
export type { BlockField, QuantFormat } from "./format.js";

/** Every format whose values are not plain numbers to JavaScript, by dtype. */
export const QUANT_FORMATS = {
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
} as const satisfies Partial<Record<DType, QuantFormat>>;

export type QuantDType = keyof typeof QUANT_FORMATS;

export function isQuantDType(dtype: string): dtype is QuantDType {
  return Object.hasOwn(QUANT_FORMATS, dtype);
}

/** Bits that a weight of this type takes in a file: 4.5 for q4_0. */
export function bitsPerWeight(dtype: DType): number {
  const { blockElements, blockBytes } = DTYPES[dtype];
  return (8 * blockBytes) / blockElements;
}

/**
 * The values of floating-point or quantized bytes as f32; f64 is rounded.
 * @param dtype any type but the integers
 * @param bytes whole blocks of that type, at any alignment
 * @throws MilletError INVALID_ARGUMENT for an integer type or a partial block
 */
export function dequantize(dtype: DType, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const { blockElements, blockBytes } = DTYPES[dtype];
  const blocks = wholeBlocks(dtype, bytes.byteLength, blockBytes, "bytes");
  const values = new Float32Array(blocks * blockElements);
  if (isQuantDType(dtype)) QUANT_FORMATS[dtype].decode(bytes, values);
  else if (dtype === "f32") bytesOf(values).set(bytes);
  else if (dtype === "f64") values.set(new Float64Array(bytes.slice().buffer));
  else throw notAFloat(dtype);
  return values;
}

/**
 * Encodes f32 values; QuantFormat.encode says with which rounding.
 * @param dtype any type but the integers
 * @param values whole blocks of that type
 * @throws MilletError INVALID_ARGUMENT for an integer type or a partial block
 */
export function quantize(dtype: DType, values: Float32Array): Uint8Array<ArrayBuffer> {
  const { blockElements, blockBytes } = DTYPES[dtype];
  const blocks = wholeBlocks(dtype, values.length, blockElements, "values");
  const bytes = new Uint8Array(blocks * blockBytes);
  if (isQuantDType(dtype)) QUANT_FORMATS[dtype].encode(values, bytes);
  else if (dtype === "f32") bytes.set(bytesOf(values));
  else if (dtype === "f64") new Float64Array(bytes.buffer).set(values);
  else throw notAFloat(dtype);
  return bytes;
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function wholeBlocks(dtype: DType, have: number, perBlock: number, unit: string): number {
  if (have % perBlock === 0) return have / perBlock;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `${dtype} comes in blocks of ${perBlock} ${unit}; ${have} ${unit} do not divide into them.`,
  );
}

function notAFloat(dtype: DType): MilletError {
  return new MilletError(
    "INVALID_ARGUMENT",
    `${dtype} holds integers, not weights: read it as a typed array instead.`,
  );
}
