/**
 * q4_0: 32 values as 4-bit integers with one f16 scale, symmetric: value = scale * (q - 8). 4.5 bits per weight.
 * Byte i of `quants` holds element i in its low nibble and element i + 16 in its high nibble.
 */
import { f16Table, numberToF16 } from "./f16.js";
import { extreme } from "./fit.js";
import type { QuantFormat } from "./format.js";

const ELEMENTS = 32;
const HALF = ELEMENTS / 2;
const BYTES = 18;

function quantum(value: number, inverse: number): number {
  return Math.max(0, Math.min(15, Math.fround(Math.fround(value * inverse) + 8.5))) | 0;
}

export const q4_0: QuantFormat = {
  dtype: "q4_0",
  blockElements: ELEMENTS,
  blockBytes: BYTES,
  layout: [
    { name: "scale", byteOffset: 0, byteLength: 2, content: "binary16" },
    { name: "quants", byteOffset: 2, byteLength: 16, content: "32 unsigned 4-bit integers, offset by 8" },
  ],
  decode(bytes, values) {
    const table = f16Table();
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += ELEMENTS) {
      const scale = table[bytes[at]! | (bytes[at + 1]! << 8)]!;
      for (let i = 0; i < HALF; i++) {
        const pair = bytes[at + 2 + i]!;
        values[out + i] = scale * ((pair & 15) - 8);
        values[out + HALF + i] = scale * ((pair >> 4) - 8);
      }
    }
  },
  encode(values, bytes) {
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += ELEMENTS) {
      // The extreme value maps to -8 exactly, so that the full range of the nibble is used.
      const scale = Math.fround(extreme(values, from, ELEMENTS) / -8);
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
      const half = numberToF16(scale);
      bytes[at] = half;
      bytes[at + 1] = half >>> 8;
      for (let i = 0; i < HALF; i++) {
        const low = quantum(values[from + i]!, inverse);
        const high = quantum(values[from + HALF + i]!, inverse);
        bytes[at + 2 + i] = low | (high << 4);
      }
    }
  },
};
