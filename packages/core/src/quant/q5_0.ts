/**
 * q5_0: 32 values as 5-bit integers with one f16 scale, symmetric: value = scale * (q - 16). 22 bytes a block,
 * 5.5 bits per weight. Byte i of `quants` holds the low 4 bits of element i (low nibble) and of element i + 16 (high
 * nibble); bit i of `highBits` is bit 4 of element i. Source: ggml-common.h, block_q5_0.
 */
import { f16Table, writeF16 } from "./f16.js";
import { extreme } from "./fit.js";
import type { QuantFormat } from "./format.js";

const ELEMENTS = 32;
const HALF = ELEMENTS / 2;
const BYTES = 22;

function quantum(value: number, inverse: number): number {
  return Math.max(0, Math.min(31, Math.fround(Math.fround(value * inverse) + 16.5))) | 0;
}

export const q5_0: QuantFormat = {
  dtype: "q5_0",
  blockElements: ELEMENTS,
  blockBytes: BYTES,
  layout: [
    { name: "scale", byteOffset: 0, byteLength: 2, content: "binary16" },
    { name: "highBits", byteOffset: 2, byteLength: 4, content: "bit 4 of the 32 quants" },
    {
      name: "quants",
      byteOffset: 6,
      byteLength: 16,
      content: "32 unsigned 5-bit integers, offset by 16: low nibbles",
    },
  ],
  decode(bytes, values) {
    const table = f16Table();
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += ELEMENTS) {
      const scale = table[bytes[at]! | (bytes[at + 1]! << 8)]!;
      const lower = bytes[at + 2]! | (bytes[at + 3]! << 8);
      const upper = bytes[at + 4]! | (bytes[at + 5]! << 8);
      for (let i = 0; i < HALF; i++) {
        const pair = bytes[at + 6 + i]!;
        values[out + i] = scale * (((pair & 15) | (((lower >> i) & 1) << 4)) - 16);
        values[out + HALF + i] = scale * (((pair >> 4) | (((upper >> i) & 1) << 4)) - 16);
      }
    }
  },
  encode(values, bytes) {
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += ELEMENTS) {
      // The extreme value maps to -16 exactly, so that the full range is used.
      const scale = Math.fround(extreme(values, from, ELEMENTS) / -16);
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
      writeF16(bytes, at, scale);
      let lower = 0;
      let upper = 0;
      for (let i = 0; i < HALF; i++) {
        const low = quantum(values[from + i]!, inverse);
        const high = quantum(values[from + HALF + i]!, inverse);
        bytes[at + 6 + i] = (low & 15) | ((high & 15) << 4);
        lower |= (low >> 4) << i;
        upper |= (high >> 4) << i;
      }
      bytes[at + 2] = lower;
      bytes[at + 3] = lower >>> 8;
      bytes[at + 4] = upper;
      bytes[at + 5] = upper >>> 8;
    }
  },
};
