/**
 * q5_k: 256 values in 8 sub-blocks of 32; value = scale * s * q - minimumScale * m with 5-bit q and 6-bit s and m per
 * sub-block. 176 bytes a block, 5.5 bits per weight. Byte 32c + i of `quants` holds the low 4 bits of element 64c + i
 * (low nibble) and of element 64c + 32 + i (high nibble); bit r of byte i of `highBits` is bit 4 of element 32r + i;
 * k-bits.ts describes `scales`. Source: ggml-common.h, block_q5_K. The encoder's search is ours (fit.ts).
 */
import { f16Table, writeF16 } from "./f16.js";
import type { QuantFormat } from "./format.js";
import { packKScales, packRows, unpackKScales } from "./k-bits.js";
import { encodeAffine, SUPER_BLOCK, SuperBlock } from "./super-block.js";

const SUB_BLOCK = 32;
const SCALES = 4;
const HIGH_BITS = 16;
const QUANTS = 48;
const BYTES = 176;

export const q5_k: QuantFormat = {
  dtype: "q5_k",
  blockElements: SUPER_BLOCK,
  blockBytes: BYTES,
  layout: [
    { name: "scale", byteOffset: 0, byteLength: 2, content: "binary16" },
    { name: "minimumScale", byteOffset: 2, byteLength: 2, content: "binary16" },
    { name: "scales", byteOffset: SCALES, byteLength: 12, content: "6-bit s and m of 8 sub-blocks" },
    { name: "highBits", byteOffset: HIGH_BITS, byteLength: 32, content: "bit 4 of the quants" },
    {
      name: "quants",
      byteOffset: QUANTS,
      byteLength: 128,
      content: "256 unsigned 5-bit integers: low nibbles",
    },
  ],
  decode(bytes, values) {
    const table = f16Table();
    const scales = new Uint8Array(16);
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += SUPER_BLOCK) {
      const unit = table[bytes[at]! | (bytes[at + 1]! << 8)]!;
      const minimumUnit = table[bytes[at + 2]! | (bytes[at + 3]! << 8)]!;
      unpackKScales(bytes, at + SCALES, scales);
      for (let j = 0; j < 8; j++) {
        const scale = unit * scales[j]!;
        const minimum = minimumUnit * scales[8 + j]!;
        const from = at + QUANTS + 32 * (j >> 1);
        const shift = 4 * (j & 1);
        for (let i = 0; i < SUB_BLOCK; i++) {
          const bit = (bytes[at + HIGH_BITS + i]! >> j) & 1;
          const q = ((bytes[from + i]! >> shift) & 15) | (bit << 4);
          values[out + SUB_BLOCK * j + i] = scale * q - minimum;
        }
      }
    }
  },
  encode(values, bytes) {
    const block = new SuperBlock();
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += SUPER_BLOCK) {
      encodeAffine(values, from, SUB_BLOCK, 31, 63, block);
      writeF16(bytes, at, block.unit);
      writeF16(bytes, at + 2, block.minimumUnit);
      packKScales(block.scales, block.minimums, bytes, at + SCALES);
      packRows(block.quants, 4, 1, 32, bytes, at + HIGH_BITS);
      packRows(block.quants, 0, 4, 32, bytes, at + QUANTS);
    }
  },
};
