/**
 * Tensor descriptions (dtype and shape) and tensors in host memory.
 * Shapes are row-major with the fastest dimension last; a quantized tensor's blocks lie along the last dimension.
 * Holds no arithmetic.
 */
import { MilletError } from "../errors.js";
import { DTYPES, type DType } from "./dtype.js";

export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A tensor in host memory; `data` holds exactly `byteLength(spec)` bytes. */
export interface HostTensor {
  readonly spec: TensorSpec;
  readonly data: Uint8Array;
}

/** Number of elements: the product of the dimensions, 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/**
 * Bytes that a tensor occupies.
 * @throws MilletError INVALID_ARGUMENT if the last dimension does not divide into whole blocks
 */
export function byteLength(spec: TensorSpec): number {
  const { blockElements, blockBytes } = DTYPES[spec.dtype];
  const last = spec.shape.at(-1) ?? 1;
  if (last % blockElements !== 0) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `${formatSpec(spec)}: the last dimension must be a multiple of ${blockElements}.`,
    );
  }
  return (elementCount(spec.shape) / blockElements) * blockBytes;
}

/** Bytes of one row (the last dimension) of a tensor. */
export function rowByteLength(spec: TensorSpec): number {
  return byteLength({ dtype: spec.dtype, shape: [spec.shape.at(-1) ?? 1] });
}

/** "f32[2, 576]" */
export function formatSpec(spec: TensorSpec): string {
  return `${spec.dtype}[${spec.shape.join(", ")}]`;
}

export function sameSpec(a: TensorSpec, b: TensorSpec): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

/** A zero-filled tensor. */
export function createTensor(spec: TensorSpec): HostTensor {
  return { spec, data: new Uint8Array(byteLength(spec)) };
}

type NumberArray<D extends DType> = D extends "f64"
  ? Float64Array
  : D extends "f32"
    ? Float32Array
    : D extends "i32"
      ? Int32Array
      : D extends "u32"
        ? Uint32Array
        : D extends "i8"
          ? Int8Array
          : Uint8Array;

const VIEWS = {
  f64: Float64Array,
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  i8: Int8Array,
  u8: Uint8Array,
} as const;

/**
 * The elements of a plain tensor as a typed array over the same memory (a copy if `data` is unaligned).
 * @throws MilletError INVALID_ARGUMENT if the tensor has another dtype
 */
export function viewAs<D extends keyof typeof VIEWS>(tensor: HostTensor, dtype: D): NumberArray<D> {
  if (tensor.spec.dtype !== dtype) {
    throw new MilletError("INVALID_ARGUMENT", `Expected ${dtype} elements, got ${formatSpec(tensor.spec)}.`);
  }
  const View: new (buffer: ArrayBufferLike, byteOffset: number, length: number) => ArrayBufferView =
    VIEWS[dtype];
  const width = VIEWS[dtype].BYTES_PER_ELEMENT;
  const { data } = tensor;
  const aligned = data.byteOffset % width === 0 ? data : data.slice();
  return new View(aligned.buffer, aligned.byteOffset, aligned.byteLength / width) as NumberArray<D>;
}

/** A tensor over the memory of a typed array. */
export function tensorOf(
  dtype: keyof typeof VIEWS,
  shape: readonly number[],
  values: ArrayBufferView | readonly number[],
): HostTensor {
  const view = ArrayBuffer.isView(values) ? values : VIEWS[dtype].from(values);
  const tensor = {
    spec: { dtype, shape },
    data: new Uint8Array(view.buffer, view.byteOffset, view.byteLength),
  };
  if (tensor.data.byteLength !== byteLength(tensor.spec)) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `${formatSpec(tensor.spec)} needs ${byteLength(tensor.spec)} bytes, got ${tensor.data.byteLength}.`,
    );
  }
  return tensor;
}
