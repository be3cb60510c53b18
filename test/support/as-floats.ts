/** Quantized weights as float32, so that no engine rounds activations: what is left is the arithmetic of the model. */
import { dequantize } from "@millet/core/quant";
import { createTensor, type WeightSource } from "@millet/core/tensor";

/** A weight as f32, decoded when it is first asked for. */
export function asFloats(source: WeightSource): WeightSource {
  let bytes: Promise<Uint8Array> | undefined;
  const decode = async () => {
    const tensor = createTensor(source.spec);
    await source.readInto(0, tensor.data);
    const floats = source.spec.dtype === "f32" ? tensor.data : dequantize(source.spec.dtype, tensor.data);
    return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  };
  return {
    spec: { dtype: "f32", shape: source.spec.shape },
    async readInto(offset, target) {
      bytes ??= decode();
      const all = await bytes;
      target.set(all.subarray(offset, offset + target.byteLength));
      if (offset + target.byteLength === all.byteLength) bytes = undefined;
    },
  };
}
