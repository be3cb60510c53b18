/**
 * q3_k: 256 values in 16 sub-blocks of 16; value = scale * (s - 32) * q with q in -4..3 and a 6-bit s per sub-block.
 * 110 bytes a block, 3.4375 bits per weight. Byte 32h + i of `quants` holds the low 2 bits of elements 128h + 32g + i
 * in its bits 2g and 2g + 1; bit r of byte i of `highBits` is bit 2 of q + 4 for element 32r + i. Nibble j / 8 of byte
 * j % 8 of `scales` is the low part of s of sub-block j, bits 2 * (j / 4) and up of byte 8 + j % 4 its upper 2 bits.
 * Source: ggml-common.h, block_q3_K. The encoder's search is ours (fit.ts).
 */
import { f16Table, writeF16 } from "./f16.js";
import { integerLevels } from "./fit.js";
import type { QuantFormat } from "./format.js";
import { packRows } from "./k-bits.js";
import { encodeSymmetric, SUPER_BLOCK, SuperBlock } from "./super-block.js";

const SUB_BLOCK = 16;
const QUANTS = 32;
const SCALES = 96;
const SCALE = 108;
const BYTES = 110;
const LEVELS = integerLevels(3);

function packScales(scales: Int16Array, bytes: Uint8Array, at: number): void {
  bytes.fill(0, at, at + 12);
  for (let j = 0; j < 16; j++) {
    const s = scales[j]! + 32;
    bytes[at + (j & 7)]! |= (s & 15) << (4 * (j >> 3));
    bytes[at + 8 + (j & 3)]! |= (s >> 4) << (2 * (j >> 2));
  }
}

export const q3_k: QuantFormat = {
  dtype: "q3_k",
  blockElements: SUPER_BLOCK,
  blockBytes: BYTES,
  layout: [
    { name: "highBits", byteOffset: 0, byteLength: 32, content: "bit 2 of the quants" },
    {
      name: "quants",
      byteOffset: QUANTS,
      byteLength: 64,
      content: "256 unsigned 3-bit integers, offset by 4: low 2 bits",
    },
    {
      name: "scales",
      byteOffset: SCALES,
      byteLength: 12,
      content: "16 unsigned 6-bit integers, offset by 32",
    },
    { name: "scale", byteOffset: SCALE, byteLength: 2, content: "binary16" },
  ],
  decode(bytes, values) {
    const table = f16Table();
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += SUPER_BLOCK) {
      const unit = table[bytes[at + SCALE]! | (bytes[at + SCALE + 1]! << 8)]!;
      for (let j = 0; j < 16; j++) {
        const low = (bytes[at + SCALES + (j & 7)]! >> (4 * (j >> 3))) & 15;
        const high = (bytes[at + SCALES + 8 + (j & 3)]! >> (2 * (j >> 2))) & 3;
        const scale = unit * ((low | (high << 4)) - 32);
        const from = SUB_BLOCK * (j & 1);
        const quants = at + QUANTS + 32 * (j >> 3) + from;
        for (let i = 0; i < SUB_BLOCK; i++) {
          const bit = (bytes[at + from + i]! >> (j >> 1)) & 1;
          const q = (((bytes[quants + i]! >> (j & 6)) & 3) | (bit << 2)) - 4;
          values[out + SUB_BLOCK * j + i] = scale * q;
        }
      }
    }
  },
  encode(values, bytes) {
    const block = new SuperBlock();
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += SUPER_BLOCK) {
      encodeSymmetric(values, from, SUB_BLOCK, LEVELS, -32, block);
      packRows(block.quants, 2, 1, 32, bytes, at);
      packRows(block.quants, 0, 2, 32, bytes, at + QUANTS);
      packScales(block.scales, bytes, at + SCALES);
      writeF16(bytes, at + SCALE, block.unit);
    }
  },
};
