/**
 * The types of GGUF metadata values: their numbers in the file, their sizes, and what they are in JavaScript.
 * Source: the GGUF specification (ggml, docs/gguf.md).
 */

/** Numbers as in the file, in order of their ids. */
export const GGUF_VALUE_TYPES = [
  "u8",
  "i8",
  "u16",
  "i16",
  "u32",
  "i32",
  "f32",
  "bool",
  "string",
  "array",
  "u64",
  "i64",
  "f64",
] as const;

export type GgufValueType = (typeof GGUF_VALUE_TYPES)[number];
export type GgufElementType = Exclude<GgufValueType, "array">;
export type GgufFixedType = Exclude<GgufElementType, "string">;

/** Bytes of the types of fixed size. */
export const FIXED_BYTES: Readonly<Record<GgufFixedType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  u64: 8,
  i64: 8,
  f64: 8,
};

/** Arrays of numbers; arrays of bool are Uint8Arrays of 0 and 1. */
export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | BigUint64Array
  | BigInt64Array
  | Float64Array;

/**
 * A metadata value. A 64-bit integer is a number if that holds it exactly, else a bigint; arrays of 64-bit integers
 * are always BigUint64Array or BigInt64Array.
 */
export type GgufValue = number | bigint | boolean | string | readonly string[] | GgufNumbers;

/** A value with its type in the file, as the writer takes it. */
export type GgufTypedValue =
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: Exclude<GgufFixedType, "bool">; readonly value: number | bigint }
  | { readonly type: "array"; readonly elementType: "string"; readonly value: readonly string[] }
  | {
      readonly type: "array";
      readonly elementType: GgufFixedType;
      readonly value: ArrayLike<number> | ArrayLike<bigint>;
    };
