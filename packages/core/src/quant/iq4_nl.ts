/**
 * iq4_nl: 32 values as 4-bit codes of uneven levels with one f16 scale: value = scale * level[q]. 18 bytes a block,
 * 4.5 bits per weight. Byte i of `quants` holds element i in its low nibble and element i + 16 in its high nibble.
 * Source: ggml-common.h, block_iq4_nl. The encoder's search is ours (fit.ts).
 */
import { f16Table, f16ToNumber, numberToF16, writeF16 } from "./f16.js";
import { fitScale } from "./fit.js";
import type { QuantFormat } from "./format.js";
import { IQ4_LEVELS } from "./iq4-levels.js";

const ELEMENTS = 32;
const HALF = ELEMENTS / 2;
const BYTES = 18;

export const iq4_nl: QuantFormat = {
  dtype: "iq4_nl",
  blockElements: ELEMENTS,
  blockBytes: BYTES,
  layout: [
    { name: "scale", byteOffset: 0, byteLength: 2, content: "binary16" },
    { name: "quants", byteOffset: 2, byteLength: 16, content: "32 codes of 4 bits" },
  ],
  decode(bytes, values) {
    const table = f16Table();
    const levels = IQ4_LEVELS.values;
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += ELEMENTS) {
      const scale = table[bytes[at]! | (bytes[at + 1]! << 8)]!;
      for (let i = 0; i < HALF; i++) {
        const pair = bytes[at + 2 + i]!;
        values[out + i] = scale * levels[pair & 15]!;
        values[out + HALF + i] = scale * levels[pair >> 4]!;
      }
    }
  },
  encode(values, bytes) {
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += ELEMENTS) {
      const scale = f16ToNumber(numberToF16(fitScale(values, from, ELEMENTS, IQ4_LEVELS)));
      const inverse = scale === 0 ? 0 : 1 / scale;
      writeF16(bytes, at, scale);
      for (let i = 0; i < HALF; i++) {
        const low = IQ4_LEVELS.nearest(values[from + i]! * inverse);
        const high = IQ4_LEVELS.nearest(values[from + HALF + i]! * inverse);
        bytes[at + 2 + i] = low | (high << 4);
      }
    }
  },
};
