/**
 * q4_1: 32 values as 4-bit integers with an f16 scale and an f16 minimum: value = scale * q + minimum. 5 bits per weight.
 * Byte i of `quants` holds element i in its low nibble and element i + 16 in its high nibble.
 */
import { f16Table, numberToF16 } from "./f16.js";
import type { QuantFormat } from "./format.js";

const ELEMENTS = 32;
const HALF = ELEMENTS / 2;
const BYTES = 20;

function quantum(value: number, minimum: number, inverse: number): number {
  const scaled = Math.fround(Math.fround(value - minimum) * inverse);
  return Math.max(0, Math.min(15, Math.fround(scaled + 0.5))) | 0;
}

export const q4_1: QuantFormat = {
  dtype: "q4_1",
  blockElements: ELEMENTS,
  blockBytes: BYTES,
  layout: [
    { name: "scale", byteOffset: 0, byteLength: 2, content: "binary16" },
    { name: "minimum", byteOffset: 2, byteLength: 2, content: "binary16" },
    { name: "quants", byteOffset: 4, byteLength: 16, content: "32 unsigned 4-bit integers" },
  ],
  decode(bytes, values) {
    const table = f16Table();
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += ELEMENTS) {
      const scale = table[bytes[at]! | (bytes[at + 1]! << 8)]!;
      const minimum = table[bytes[at + 2]! | (bytes[at + 3]! << 8)]!;
      for (let i = 0; i < HALF; i++) {
        const pair = bytes[at + 4 + i]!;
        values[out + i] = scale * (pair & 15) + minimum;
        values[out + HALF + i] = scale * (pair >> 4) + minimum;
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
      const scale = Math.fround(Math.fround(maximum - minimum) / 15);
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
      const scaleBits = numberToF16(scale);
      const minimumBits = numberToF16(minimum);
      bytes[at] = scaleBits;
      bytes[at + 1] = scaleBits >>> 8;
      bytes[at + 2] = minimumBits;
      bytes[at + 3] = minimumBits >>> 8;
      for (let i = 0; i < HALF; i++) {
        const low = quantum(values[from + i]!, minimum, inverse);
        const high = quantum(values[from + HALF + i]!, minimum, inverse);
        bytes[at + 4 + i] = low | (high << 4);
      }
    }
  },
};
