/**
 * q4_k: 256 values in 8 sub-blocks of 32; value = scale * s * q - minimumScale * m with 4-bit q and 6-bit s and m per
 * sub-block. 144 bytes a block, 4.5 bits per weight. Byte 32c + i of `quants` holds element 64c + i in its low nibble
 * and element 64c + 32 + i in its high nibble; k-bits.ts describes `scales`. Source: ggml-common.h, block_q4_K.
 * The encoder's search is ours (fit.ts).
 */
import { f16Table, writeF16 } from "./f16.js";
import type { QuantFormat } from "./format.js";
import { packKScales, packRows, unpackKScales } from "./k-bits.js";
import { encodeAffine, SUPER_BLOCK, SuperBlock } from "./super-block.js";

const SUB_BLOCK = 32;
const SCALES = 4;
const QUANTS = 16;
const BYTES = 144;

export const q4_k: QuantFormat = {
  dtype: "q4_k",
  blockElements: SUPER_BLOCK,
  blockBytes: BYTES,
  layout: [
    { name: "scale", byteOffset: 0, byteLength: 2, content: "binary16" },
    { name: "minimumScale", byteOffset: 2, byteLength: 2, content: "binary16" },
    { name: "scales", byteOffset: SCALES, byteLength: 12, content: "6-bit s and m of 8 sub-blocks" },
    { name: "quants", byteOffset: QUANTS, byteLength: 128, content: "256 unsigned 4-bit integers" },
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
          values[out + SUB_BLOCK * j + i] = scale * ((bytes[from + i]! >> shift) & 15) - minimum;
        }
      }
    }
  },
  encode(values, bytes) {
    const block = new SuperBlock();
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += SUPER_BLOCK) {
      encodeAffine(values, from, SUB_BLOCK, 15, 63, block);
      writeF16(bytes, at, block.unit);
      writeF16(bytes, at + 2, block.minimumUnit);
      packKScales(block.scales, block.minimums, bytes, at + SCALES);
      packRows(block.quants, 0, 4, 32, bytes, at + QUANTS);
    }
  },
};
