/** q8_0: 32 values as signed 8-bit integers with one f16 scale: value = scale * q. 8.5 bits per weight. */
import { f16Table, numberToF16 } from "./f16.js";
import type { QuantFormat } from "./format.js";

const ELEMENTS = 32;
const BYTES = 34;

/** Rounds to nearest, halves away from zero, as C's roundf. */
function roundHalfAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}

export const q8_0: QuantFormat = {
  dtype: "q8_0",
  blockElements: ELEMENTS,
  blockBytes: BYTES,
  layout: [
    { name: "scale", byteOffset: 0, byteLength: 2, content: "binary16" },
    { name: "quants", byteOffset: 2, byteLength: 32, content: "32 signed 8-bit integers" },
  ],
  decode(bytes, values) {
    const table = f16Table();
    const quants = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += ELEMENTS) {
      const scale = table[bytes[at]! | (bytes[at + 1]! << 8)]!;
      for (let i = 0; i < ELEMENTS; i++) values[out + i] = scale * quants[at + 2 + i]!;
    }
  },
  encode(values, bytes) {
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += ELEMENTS) {
      let largest = 0;
      for (let i = from; i < from + ELEMENTS; i++) largest = Math.max(largest, Math.abs(values[i]!));
      const scale = Math.fround(largest / 127);
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
      const half = numberToF16(scale);
      bytes[at] = half;
      bytes[at + 1] = half >>> 8;
      for (let i = 0; i < ELEMENTS; i++) {
        bytes[at + 2 + i] = roundHalfAway(Math.fround(values[from + i]! * inverse));
      }
    }
  },
};
