/**
 * WGSL that turns raw GGUF rows into planes; each format adds `code(row, k)`, the integer of input k of the row whose
 * bytes begin at `row`, and the values of its own planes.
 */
import { DTYPES } from "@millet/core/tensor";
import { blockPlane, type Plane, type WeightDType } from "./format.js";

/** Reads bytes of the storage variable `raw: array<u32>`. */
export const RAW_READ = `
fn byte_at(at: u32) -> u32 { return (raw[at >> 2u] >> ((at & 3u) * 8u)) & 255u; }
fn word_at(at: u32) -> u32 {
  let shift = (at & 3u) * 8u;
  let low = raw[at >> 2u];
  if (shift == 0u) { return low; }
  return (low >> shift) | (raw[(at >> 2u) + 1u] << (32u - shift));
}
fn half_at(at: u32) -> u32 {
  if ((at & 3u) < 3u) { return (raw[at >> 2u] >> ((at & 3u) * 8u)) & 0xffffu; }
  return word_at(at) & 0xffffu;
}`;

/** Low 4 bits of codes: a unit has 8 inputs, byte i input i in the low and input 4 + i in the high nibble. */
export function nibblePlane(dtype: WeightDType): Plane {
  return blockPlane(dtype, "words", DTYPES[dtype].blockElements / 8, "nibble_word(row, unit * 8u)");
}
export const NIBBLE_WORD = `
fn nibble_word(row: u32, k: u32) -> u32 {
  var word = 0u;
  for (var i = 0u; i < 4u; i++) {
    word |= ((code(row, k + i) & 15u) | ((code(row, k + 4u + i) & 15u) << 4u)) << (8u * i);
  }
  return word;
}`;

/** One bit of codes: a unit has 32 inputs, bit s of byte i belongs to input 4 s + i. */
export function bitPlane(dtype: WeightDType, bit: number): Plane {
  return blockPlane(dtype, "words", DTYPES[dtype].blockElements / 32, `bit_word(row, unit * 32u, ${bit}u)`);
}
export const BIT_WORD = `
fn bit_word(row: u32, k: u32, bit: u32) -> u32 {
  var word = 0u;
  for (var i = 0u; i < 32u; i++) {
    word |= ((code(row, k + i) >> bit) & 1u) << (8u * (i & 3u) + (i >> 2u));
  }
  return word;
}`;

/** Two bits of codes: a unit has 16 inputs, bits 2 s and 2 s + 1 of byte i belong to input 4 s + i. */
export function pairPlane(dtype: WeightDType, bit: number): Plane {
  return blockPlane(dtype, "words", DTYPES[dtype].blockElements / 16, `pair_word(row, unit * 16u, ${bit}u)`);
}
export const PAIR_WORD = `
fn pair_word(row: u32, k: u32, bit: u32) -> u32 {
  var word = 0u;
  for (var i = 0u; i < 16u; i++) {
    word |= ((code(row, k + i) >> bit) & 3u) << (8u * (i & 3u) + 2u * (i >> 2u));
  }
  return word;
}`;

/** `code` of types whose blocks keep 32 nibbles at byte `quants`: input i low, input i + 16 high. */
export function nibbleBlockCode(dtype: WeightDType, quants: number): string {
  return `
fn code(row: u32, k: u32) -> u32 {
  let pair = byte_at(row + (k / 32u) * ${DTYPES[dtype].blockBytes}u + ${quants}u + (k & 15u));
  return select(pair & 15u, pair >> 4u, (k & 16u) != 0u);
}`;
}

/** `code` of types whose blocks keep 32 high bits at byte `bits` and then 32 nibbles, as above. */
export function fiveBitBlockCode(dtype: WeightDType, bits: number): string {
  return `
fn code(row: u32, k: u32) -> u32 {
  let block = row + (k / 32u) * ${DTYPES[dtype].blockBytes}u + ${bits}u;
  let pair = byte_at(block + 4u + (k & 15u));
  let bit = (byte_at(block + ((k & 31u) >> 3u)) >> (k & 7u)) & 1u;
  return select(pair & 15u, pair >> 4u, (k & 16u) != 0u) | (bit << 4u);
}`;
}
