/**
 * q6_k: 256 values in 16 sub-blocks of 16; value = scale * s * q with q in -32..31 and a signed 8-bit s per sub-block.
 * 210 bytes a block, 6.5625 bits per weight. Of q + 32: byte 64h + i of `quants` holds the low 4 bits of element
 * 128h + i (low nibble) and of element 128h + 64 + i (high nibble); byte 32h + i of `highBits` holds the upper 2 bits of
 * elements 128h + 32g + i in its bits 2g and 2g + 1. Source: ggml-common.h, block_q6_K. The encoder's search is ours.
 */
import { f16Table, writeF16 } from "./f16.js";
import { integerLevels } from "./fit.js";
import type { QuantFormat } from "./format.js";
import { packRows } from "./k-bits.js";
import { encodeSymmetric, SUPER_BLOCK, SuperBlock } from "./super-block.js";

const SUB_BLOCK = 16;
const HIGH_BITS = 128;
const SCALES = 192;
const SCALE = 208;
const BYTES = 210;
const LEVELS = integerLevels(6);

export const q6_k: QuantFormat = {
  dtype: "q6_k",
  blockElements: SUPER_BLOCK,
  blockBytes: BYTES,
  layout: [
    {
      name: "quants",
      byteOffset: 0,
      byteLength: 128,
      content: "256 unsigned 6-bit integers, offset by 32: low nibbles",
    },
    { name: "highBits", byteOffset: HIGH_BITS, byteLength: 64, content: "upper 2 bits of the quants" },
    { name: "scales", byteOffset: SCALES, byteLength: 16, content: "16 signed 8-bit integers" },
    { name: "scale", byteOffset: SCALE, byteLength: 2, content: "binary16" },
  ],
  decode(bytes, values) {
    const table = f16Table();
    const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0, out = 0; out < values.length; at += BYTES, out += SUPER_BLOCK) {
      const unit = table[bytes[at + SCALE]! | (bytes[at + SCALE + 1]! << 8)]!;
      for (let j = 0; j < 16; j++) {
        const scale = unit * signed[at + SCALES + j]!;
        const low = at + 64 * (j >> 3) + SUB_BLOCK * (j & 3);
        const lowShift = j & 4;
        const high = at + HIGH_BITS + 32 * (j >> 3) + SUB_BLOCK * (j & 1);
        const highShift = j & 6;
        for (let i = 0; i < SUB_BLOCK; i++) {
          const upper = (bytes[high + i]! >> highShift) & 3;
          const q = (((bytes[low + i]! >> lowShift) & 15) | (upper << 4)) - 32;
          values[out + SUB_BLOCK * j + i] = scale * q;
        }
      }
    }
  },
  encode(values, bytes) {
    const block = new SuperBlock();
    for (let at = 0, from = 0; from < values.length; at += BYTES, from += SUPER_BLOCK) {
      encodeSymmetric(values, from, SUB_BLOCK, LEVELS, -128, block);
      packRows(block.quants, 0, 4, 64, bytes, at);
      packRows(block.quants, 4, 2, 32, bytes, at + HIGH_BITS);
      bytes.set(block.scales, at + SCALES); // wraps into two's complement
      writeF16(bytes, at + SCALE, block.unit);
    }
  },
};
