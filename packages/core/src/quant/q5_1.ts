/**
 * q5_1: 32 values as 5-bit integers with an f16 scale and an f16 minimum: value = scale * q + minimum. 24 bytes a
 * block, 6 bits per weight. Byte i of `quants` holds the low 4 bits of element i (low nibble) and of element i + 16
 * (high nibble); bit i of `highBits` is bit 4 of element i. Source: ggml-common.h, block_q5_1.
 */
import { f16Table, writeF16 } from "./f16.js";
import type { QuantFormat } from "./format.js";

const ELEMENTS = 32;
const HALF = ELEMENTS / 2;
const BYTES = 24;

function quantum(value: number, minimum: number, inverse: number): number {
  const scaled = Math.fround(Math.fround(value - minimum) * inverse);
  return Math.max(0, Math.min(31, Math.fround(scaled + 0.5))) | 0;
}

export const q5_1: QuantFormat = {
  dtype: "q5_1",
  blockElements: ELEMENTS,
  blockBytes: BYTES,
  layout: [
    { name: "scale", byteOffset: 0, byteLength: 2, content: "binary16" },
    { name: "minimum", byteOffset: 2, byteLength: 2, content: "binary16" },
    { name: "highBits", byteOffset: 4, byteLength: 4, content: "bit 4 of the 32 quants" },
    { name: "quants", byteOffset: 8, byteLength: 16, content: "32 unsigned 5-bit integers: low nibbles" },
  ],
  decode(bytes, values) {
    const table = f16Table();
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += ELEMENTS) {
      const scale = table[bytes[at]! | (bytes[at + 1]! << 8)]!;
      const minimum = table[bytes[at + 2]! | (bytes[at + 3]! << 8)]!;
      const lower = bytes[at + 4]! | (bytes[at + 5]! << 8);
      const upper = bytes[at + 6]! | (bytes[at + 7]! << 8);
      for (let i = 0; i < HALF; i++) {
        const pair = bytes[at + 8 + i]!;
        values[out + i] = scale * ((pair & 15) | (((lower >> i) & 1) << 4)) + minimum;
        values[out + HALF + i] = scale * ((pair >> 4) | (((upper >> i) & 1) << 4)) + minimum;
      }
    }
  },
  encode(values, bytes) {
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += ELEMENTS) {
      let minimum = values[from]!;
      let maximum = minimum;
      for (let i = from + 1; i < from + ELEMENTS; i++) {
        minimum = Math.min(minimum, values[i]!);
        maximum = Math.max(maximum, values[i]!);
      }
      const scale = Math.fround(Math.fround(maximum - minimum) / 31);
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
      writeF16(bytes, at, scale);
      writeF16(bytes, at + 2, minimum);
      let lower = 0;
      let upper = 0;
      for (let i = 0; i < HALF; i++) {
        const low = quantum(values[from + i]!, minimum, inverse);
        const high = quantum(values[from + HALF + i]!, minimum, inverse);
        bytes[at + 8 + i] = (low & 15) | ((high & 15) << 4);
        lower |= (low >> 4) << i;
        upper |= (high >> 4) << i;
      }
      bytes[at + 4] = lower;
      bytes[at + 5] = lower >>> 8;
      bytes[at + 6] = upper;
      bytes[at + 7] = upper >>> 8;
    }
  },
};
