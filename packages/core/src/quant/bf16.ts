/** bf16: the upper 16 bits of a binary32, little endian. Encoding rounds to nearest, ties to even, and keeps NaN quiet. */
import type { QuantFormat } from "./format.js";

function bf16FromF32Bits(word: number): number {
  if ((word & 0x7fffffff) > 0x7f800000) return (word >>> 16) | 0x40;
  return ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff;
}

export const bf16: QuantFormat = {
  dtype: "bf16",
  blockElements: 1,
  blockBytes: 2,
  layout: [{ name: "value", byteOffset: 0, byteLength: 2, content: "bfloat16" }],
  decode(bytes, values) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < words.length; i++) words[i] = (bytes[2 * i]! << 16) | (bytes[2 * i + 1]! << 24);
  },
  encode(values, bytes) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < words.length; i++) {
      const half = bf16FromF32Bits(words[i]!);
      bytes[2 * i] = half;
      bytes[2 * i + 1] = half >>> 8;
    }
  },
};
