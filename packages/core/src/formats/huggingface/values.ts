/** Values of stored tensors as f32, a range at a time, with the changes that GGUF's conventions ask for. */
import { MilletError } from "../../errors.js";
import { QUANT_FORMATS } from "../../quant/index.js";
import type { DType } from "../../tensor/dtype.js";
import type { WeightSource } from "../../tensor/weights.js";
import type { StoredTensor } from "../safetensors/index.js";
import { withBytes } from "./scratch.js";

export type Place = NonNullable<WeightSource["place"]>;

/** A tensor to be read as f32. */
export interface Values {
  readonly shape: readonly number[];
  readonly place: Place | undefined;
  /** Fills `target` with the values from `first` on, row-major. */
  read(first: number, target: Float32Array, signal?: AbortSignal): Promise<void>;
}

export const FLOAT_TYPES = ["f32", "f16", "bf16", "f64"] as const satisfies readonly DType[];
type FloatType = (typeof FLOAT_TYPES)[number];

export function floatType(tensor: StoredTensor): FloatType {
  const found = FLOAT_TYPES.find((name) => name === tensor.type.dtype);
  if (found) return found;
  throw new MilletError(
    "SAFETENSORS_UNKNOWN_DTYPE",
    `${tensor.source.name}: tensor ${JSON.stringify(tensor.name.slice(0, 80))} is stored as ${tensor.type.name}, which is ` +
      "no type of weights that Millet reads. Get the model in F32, F16 or BF16, or as GGUF.",
    { details: { tensor: tensor.name.slice(0, 80), type: tensor.type.name } },
  );
}

/** @param made what becomes of the tensor, if it is not taken as it is; `place.made` then */
export function placeOf({ source, offset }: StoredTensor, made?: string): Place | undefined {
  const { origin: file } = source;
  return file && { file, offset, ...(made !== undefined && { made }) };
}

export function storedValues(tensor: StoredTensor): Values {
  const type = floatType(tensor);
  const bytesEach = tensor.type.bits / 8;
  return {
    shape: tensor.shape,
    place: placeOf(tensor),
    async read(first, target, signal) {
      const offset = tensor.offset + first * bytesEach;
      if (type === "f32") {
        const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
        return tensor.source.readInto(offset, bytes, signal);
      }
      await withBytes(target.length * bytesEach, async (bytes) => {
        await tensor.source.readInto(offset, bytes, signal);
        if (type === "f64") target.set(new Float64Array(bytes.buffer, bytes.byteOffset, target.length));
        else QUANT_FORMATS[type].decode(bytes, target);
      });
    },
  };
}

/** Gemma's norms: files hold w, the formula takes 1 + w. */
export function plusOne(values: Values): Values {
  return {
    ...values,
    place: values.place && { ...values.place, made: "1 + w" },
    async read(first, target, signal) {
      await values.read(first, target, signal);
      for (let i = 0; i < target.length; i++) target[i] = target[i]! + 1;
    },
  };
}

/** The same without its first rows. */
export function withoutRows(values: Values, rows: number): Values {
  const [count = 0, ...rest] = values.shape;
  const width = rest.reduce((product, size) => product * size, 1);
  return {
    shape: [Math.max(0, count - rows), ...rest],
    place: values.place && { ...values.place, made: `without ${rows} rows` },
    read: (first, target, signal) => values.read(first + rows * width, target, signal),
  };
}

/** Vectors of one length as the rows of a matrix. */
export function stacked(parts: readonly Values[]): Values {
  const width = parts[0]!.shape[0]!;
  const { place } = parts[0]!;
  const oneFile = parts.every((part) => part.place?.file === place?.file);
  return {
    shape: [parts.length, width],
    place: place && oneFile ? { ...place, made: `stack of ${parts.length}` } : undefined,
    async read(first, target, signal) {
      for (let done = 0; done < target.length; ) {
        const at = first + done;
        const count = Math.min(width - (at % width), target.length - done);
        await parts[Math.floor(at / width)]!.read(at % width, target.subarray(done, done + count), signal);
        done += count;
      }
    },
  };
}
