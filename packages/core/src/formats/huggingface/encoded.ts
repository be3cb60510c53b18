/**
 * Weights made of a Hugging Face folder's tensors: as they are stored, or encoded piece by piece while they are read.
 * No more than a piece of a tensor is ever in the JavaScript heap.
 */
import { MilletError } from "../../errors.js";
import { isQuantDType, QUANT_FORMATS } from "../../quant/index.js";
import { DTYPES, type DType } from "../../tensor/dtype.js";
import { byteLength, formatSpec, type TensorSpec } from "../../tensor/tensor.js";
import type { WeightSource } from "../../tensor/weights.js";
import type { StoredTensor } from "../safetensors/index.js";
import { PIECE_ELEMENTS, withBytes, withFloats } from "./scratch.js";
import { floatType, placeOf, type Values } from "./values.js";

/** A tensor with its own type and bytes. */
export function storedWeight(tensor: StoredTensor): WeightSource {
  const spec = { dtype: floatType(tensor), shape: tensor.shape };
  return {
    spec,
    place: placeOf(tensor),
    async readInto(offset, target, signal) {
      checkRange(spec, offset, target);
      await tensor.source.readInto(tensor.offset + offset, target, signal);
    },
  };
}

/** A tensor encoded as `dtype`; its rows must divide into whole blocks. */
export function encodedWeight(values: Values, dtype: DType): WeightSource {
  const spec = { dtype, shape: values.shape };
  const { blockElements, blockBytes } = DTYPES[dtype];
  const piece = Math.floor(PIECE_ELEMENTS / blockElements);
  return {
    spec,
    place: values.place && { ...values.place, made: [values.place.made, dtype].filter(Boolean).join(" as ") },
    async readInto(offset, target, signal) {
      checkRange(spec, offset, target);
      const end = Math.ceil((offset + target.byteLength) / blockBytes);
      for (let block = Math.floor(offset / blockBytes); block < end; block += piece) {
        const count = Math.min(piece, end - block);
        await withFloats(count * blockElements, async (floats) => {
          await values.read(block * blockElements, floats, signal);
          await encodePart(dtype, floats, block * blockBytes - offset, target);
        });
      }
    },
  };
}

/** Encodes into `target` from `at` on, which may lie before it, as the end may lie behind it. */
async function encodePart(dtype: DType, floats: Float32Array, at: number, target: Uint8Array): Promise<void> {
  const size = (floats.length / DTYPES[dtype].blockElements) * DTYPES[dtype].blockBytes;
  if (at >= 0 && at + size <= target.byteLength) return encode(dtype, floats, target.subarray(at, at + size));
  await withBytes(size, async (bytes) => {
    encode(dtype, floats, bytes);
    const from = Math.max(0, -at);
    target.set(bytes.subarray(from, Math.min(size, target.byteLength - at)), at + from);
  });
}

export function encode(dtype: DType, floats: Float32Array, bytes: Uint8Array): void {
  if (isQuantDType(dtype)) QUANT_FORMATS[dtype].encode(floats, bytes);
  else bytes.set(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength)); // f32
}

/** A small f32 tensor that no file holds. */
export function computedWeight(values: Float32Array): WeightSource {
  const spec: TensorSpec = { dtype: "f32", shape: [values.length] };
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return {
    spec,
    async readInto(offset, target) {
      checkRange(spec, offset, target);
      target.set(bytes.subarray(offset, offset + target.byteLength));
    },
  };
}

/** @throws MilletError INVALID_ARGUMENT for a range outside of the tensor */
export function checkRange(spec: TensorSpec, offset: number, target: Uint8Array): void {
  const end = offset + target.byteLength;
  if (offset >= 0 && end <= byteLength(spec)) return;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `${formatSpec(spec)} has ${byteLength(spec)} bytes, not bytes ${offset} to ${end}.`,
  );
}
