/**
 * iq4_xs: 256 values in 8 sub-blocks of 32 as 4-bit codes of uneven levels; value = scale * (s - 32) * level[q] with a
 * 6-bit s per sub-block. 136 bytes a block, 4.25 bits per weight. Byte 16j + i of `quants` holds element 32j + i in its
 * low nibble and element 32j + 16 + i in its high nibble. Nibble j % 2 of byte j / 2 of `lowScales` is the low part of s
 * of sub-block j, bits 2j and 2j + 1 of `highScales` its upper part.
 * Source: ggml-common.h, block_iq4_xs. The encoder's search is ours (fit.ts).
 */
import { f16Table, writeF16 } from "./f16.js";
import type { QuantFormat } from "./format.js";
import { IQ4_LEVELS } from "./iq4-levels.js";
import { packRows } from "./k-bits.js";
import { encodeSymmetric, SUPER_BLOCK, SuperBlock } from "./super-block.js";

const SUB_BLOCK = 32;
const HALF = SUB_BLOCK / 2;
const HIGH_SCALES = 2;
const LOW_SCALES = 4;
const QUANTS = 8;
const BYTES = 136;

function packScales(scales: Int16Array, bytes: Uint8Array, at: number): void {
  bytes.fill(0, at, at + QUANTS);
  for (let j = 0; j < 8; j++) {
    const s = scales[j]! + 32;
    bytes[at + HIGH_SCALES + (j >> 2)]! |= (s >> 4) << (2 * (j & 3));
    bytes[at + LOW_SCALES + (j >> 1)]! |= (s & 15) << (4 * (j & 1));
  }
}

export const iq4_xs: QuantFormat = {
  dtype: "iq4_xs",
  blockElements: SUPER_BLOCK,
  blockBytes: BYTES,
  layout: [
    { name: "scale", byteOffset: 0, byteLength: 2, content: "binary16" },
    {
      name: "highScales",
      byteOffset: HIGH_SCALES,
      byteLength: 2,
      content: "upper 2 bits of 8 scales, offset by 32",
    },
    { name: "lowScales", byteOffset: LOW_SCALES, byteLength: 4, content: "low 4 bits of 8 scales" },
    { name: "quants", byteOffset: QUANTS, byteLength: 128, content: "256 codes of 4 bits" },
  ],
  decode(bytes, values) {
    const table = f16Table();
    const levels = IQ4_LEVELS.values;
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += SUPER_BLOCK) {
      const unit = table[bytes[at]! | (bytes[at + 1]! << 8)]!;
      const upper = bytes[at + HIGH_SCALES]! | (bytes[at + HIGH_SCALES + 1]! << 8);
      for (let j = 0; j < 8; j++) {
        const low = (bytes[at + LOW_SCALES + (j >> 1)]! >> (4 * (j & 1))) & 15;
        const scale = unit * ((low | (((upper >> (2 * j)) & 3) << 4)) - 32);
        for (let i = 0; i < HALF; i++) {
          const pair = bytes[at + QUANTS + HALF * j + i]!;
          values[out + SUB_BLOCK * j + i] = scale * levels[pair & 15]!;
          values[out + SUB_BLOCK * j + HALF + i] = scale * levels[pair >> 4]!;
        }
      }
    }
  },
  encode(values, bytes) {
    const block = new SuperBlock();
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += SUPER_BLOCK) {
      encodeSymmetric(values, from, SUB_BLOCK, IQ4_LEVELS, -32, block);
      packScales(block.scales, bytes, at);
      writeF16(bytes, at, block.unit);
      packRows(block.quants, 0, 4, HALF, bytes, at + QUANTS);
    }
  },
};
