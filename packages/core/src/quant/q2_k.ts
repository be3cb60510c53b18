/**
 * q2_k: 256 values in 16 sub-blocks of 16; value = scale * s * q - minimumScale * m with 2-bit q and 4-bit s and m per
 * sub-block. 84 bytes a block, 2.625 bits per weight. Byte 32h + i of `quants` holds elements 128h + 32g + i in its
 * bits 2g and 2g + 1, g = 0..3. Source: ggml-common.h, block_q2_K. The encoder's search is ours (fit.ts).
 */
import { f16Table, writeF16 } from "./f16.js";
import type { QuantFormat } from "./format.js";
import { packRows } from "./k-bits.js";
import { encodeAffine, SUPER_BLOCK, SuperBlock } from "./super-block.js";

const SUB_BLOCK = 16;
const QUANTS = 16;
const SCALE = 80;
const BYTES = 84;

export const q2_k: QuantFormat = {
  dtype: "q2_k",
  blockElements: SUPER_BLOCK,
  blockBytes: BYTES,
  layout: [
    { name: "scales", byteOffset: 0, byteLength: 16, content: "4-bit s (low nibbles) and m (high nibbles)" },
    { name: "quants", byteOffset: QUANTS, byteLength: 64, content: "256 unsigned 2-bit integers" },
    { name: "scale", byteOffset: SCALE, byteLength: 2, content: "binary16" },
    { name: "minimumScale", byteOffset: SCALE + 2, byteLength: 2, content: "binary16" },
  ],
  decode(bytes, values) {
    const table = f16Table();
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += SUPER_BLOCK) {
      const unit = table[bytes[at + SCALE]! | (bytes[at + SCALE + 1]! << 8)]!;
      const minimumUnit = table[bytes[at + SCALE + 2]! | (bytes[at + SCALE + 3]! << 8)]!;
      for (let j = 0; j < 16; j++) {
        const scale = unit * (bytes[at + j]! & 15);
        const minimum = minimumUnit * (bytes[at + j]! >> 4);
        const from = at + QUANTS + 32 * (j >> 3) + SUB_BLOCK * (j & 1);
        const shift = j & 6;
        for (let i = 0; i < SUB_BLOCK; i++) {
          values[out + SUB_BLOCK * j + i] = scale * ((bytes[from + i]! >> shift) & 3) - minimum;
        }
      }
    }
  },
  encode(values, bytes) {
    const block = new SuperBlock();
    const { scales, minimums, quants } = block;
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += SUPER_BLOCK) {
      encodeAffine(values, from, SUB_BLOCK, 3, 15, block);
      for (let j = 0; j < 16; j++) bytes[at + j] = scales[j]! | (minimums[j]! << 4);
      packRows(quants, 0, 2, 32, bytes, at + QUANTS);
      writeF16(bytes, at + SCALE, block.unit);
      writeF16(bytes, at + SCALE + 2, block.minimumUnit);
    }
  },
};
