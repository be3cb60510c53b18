/**
 * Weights in other types. As float32, no engine rounds activations: what is left is the arithmetic of the model. As q8_0,
 * every engine does its own rounding of activations on the same weights.
 */
import { dequantize, quantize } from "@millet/core/quant";
import { createTensor, type WeightSource, type WeightSources } from "@millet/core/tensor";

/** A weight as f32, decoded when it is first asked for. */
export function asFloats(source: WeightSource): WeightSource {
  return converted(source, "f32");
}

/** Matrices as q8_0 where their rows are whole blocks; what else there is stays. */
export function asQ8(weights: WeightSources): WeightSources {
  return new Map(
    [...weights].map(([name, source]) => {
      const { shape } = source.spec;
      const fits = shape.length === 2 && shape[1]! % 32 === 0 && !name.includes("norm");
      return [name, fits ? converted(source, "q8_0") : source];
    }),
  );
}

function converted(source: WeightSource, dtype: "f32" | "q8_0"): WeightSource {
  let bytes: Promise<Uint8Array> | undefined;
  const convert = async () => {
    const tensor = createTensor(source.spec);
    await source.readInto(0, tensor.data);
    if (source.spec.dtype === dtype) return tensor.data;
    const { buffer, byteOffset, byteLength } =
      source.spec.dtype === "f32" ? tensor.data : dequantize(source.spec.dtype, tensor.data);
    if (dtype === "q8_0") return quantize("q8_0", new Float32Array(buffer, byteOffset, byteLength / 4));
    return new Uint8Array(buffer, byteOffset, byteLength);
  };
  return {
    spec: { dtype, shape: source.spec.shape },
    async readInto(offset, target) {
      bytes ??= convert();
      const all = await bytes;
      target.set(all.subarray(offset, offset + target.byteLength));
      if (offset + target.byteLength === all.byteLength) bytes = undefined;
    },
  };
}
