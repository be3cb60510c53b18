/**
 * An ONNX model as data: the part of onnx.proto3 (ONNX IR version 10) that inference graphs use. Graphs inside of
 * attributes and sparse or string tensors are not represented, only noticed.
 */

/** Element types by their number in TensorProto.DataType. */
export const ONNX_DTYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
  uint4: 21,
  int4: 22,
} as const;

export type OnnxDType = keyof typeof ONNX_DTYPES;

/** Bits of an element; 0 for strings, which have no fixed size. */
export const ONNX_BITS: Readonly<Record<OnnxDType, number>> = {
  float32: 32,
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  int64: 64,
  string: 0,
  bool: 8,
  float16: 16,
  float64: 64,
  uint32: 32,
  uint64: 64,
  bfloat16: 16,
  uint4: 4,
  int4: 4,
};

/** A value's type. A dimension is a number, the name of a dynamic one, or undefined if nothing is said of it. */
export interface OnnxValue {
  readonly name: string;
  /** undefined: the file does not say, or it is no tensor. */
  readonly dtype: OnnxDType | undefined;
  /** undefined: not even the rank is known. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** A constant. `data` is little-endian, two elements a byte for 4-bit types, the first in the low half. */
export interface OnnxTensor {
  readonly name: string;
  readonly dtype: OnnxDType;
  readonly dims: readonly number[];
  /** Bytes in memory, or a source that gives them in order when the file is written; external: in another file. */
  readonly data: Uint8Array | OnnxTensorSource | "external";
}

/** Gives a tensor's bytes in pieces, so that weights never lie in memory whole. */
export interface OnnxTensorSource {
  readonly byteLength: number;
  read(): AsyncIterable<Uint8Array>;
}

export type OnnxAttribute =
  | { readonly type: "int"; readonly value: number }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "ints"; readonly value: readonly number[] }
  | { readonly type: "floats"; readonly value: readonly number[] }
  | { readonly type: "tensor"; readonly value: OnnxTensor }
  /** Graphs and lists of strings or tensors: there, but not read. */
  | { readonly type: "unread"; readonly holdsGraph: boolean };

export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** "" is the standard's own domain. */
  readonly domain: string;
  /** "" stands for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Types of values within. */
  readonly values: readonly OnnxValue[];
}

export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  /** Version of each domain's operators. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly graph: OnnxGraph;
}

/** Bytes that the elements of a tensor take. */
export function onnxByteLength(dtype: OnnxDType, dims: readonly number[]): number {
  return Math.ceil((dims.reduce((product, dim) => product * dim, 1) * ONNX_BITS[dtype]) / 8);
}
