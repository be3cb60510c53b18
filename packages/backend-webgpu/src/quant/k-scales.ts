/**
 * The 6-bit scales s and minimums m of q4_k and q5_k on the GPU, 48 bytes per 4 rows x 256 inputs as in the file. A unit
 * is a byte of each row, so a u32 has the same field of 4 rows: units 0..7 of a block the low nibbles of s (low) and m
 * (high) of a sub-block; units 8..11 the upper 2 bits of s, s, m, m of two neighbouring sub-blocks.
 */
import { letBytes, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat, type PageView, type Plane, type WeightDType } from "./format.js";

/** `scales` are 12 bytes at byte 4 of a block of `blockBytes`, as core's quant/k-bits.ts describes. */
export function kScalePlane(dtype: WeightDType, blockBytes: number): Plane {
  return blockPlane(dtype, "bytes", 12, `k_scale_byte(row + (unit / 12u) * ${blockBytes}u + 4u, unit % 12u)`);
}

export const K_SCALE_BYTE = `
fn k_scale(at: u32, j: u32) -> u32 {
  if (j < 4u) { return byte_at(at + j) & 63u; }
  return (byte_at(at + j + 4u) & 15u) | ((byte_at(at + j - 4u) >> 6u) << 4u);
}
fn k_minimum(at: u32, j: u32) -> u32 {
  if (j < 4u) { return byte_at(at + j + 4u) & 63u; }
  return (byte_at(at + j + 4u) >> 4u) | ((byte_at(at + j) >> 6u) << 4u);
}
fn k_scale_byte(at: u32, unit: u32) -> u32 {
  if (unit < 8u) { return (k_scale(at, unit) & 15u) | ((k_minimum(at, unit) & 15u) << 4u); }
  let j = 2u * (unit - 8u);
  return (k_scale(at, j) >> 4u) | ((k_scale(at, j + 1u) >> 4u) << 2u)
    | ((k_minimum(at, j) >> 4u) << 4u) | ((k_minimum(at, j + 1u) >> 4u) << 6u);
}`;

/** Body of `scales`: plane `units` has f16 pairs (scale, minimumScale) per block, plane `bytes` the above. */
export function kScales(format: GpuFormat, view: PageView, units: number, bytes: number): string {
  return `
  let block = chunk >> 5u;
  let sub_block = (chunk >> 2u) & 7u;
  let unit = half_pairs(${wordsAt(format, view, units, "block")});
  ${letBytes("low", format, view, bytes, "block * 12u + sub_block")}
  ${letBytes("upper", format, view, bytes, "block * 12u + 8u + (sub_block >> 1u)")}
  let high = upper >> (2u * (sub_block & 1u));
  let s = unsigned_bytes((low & 0x0f0f0f0fu) | ((high & 0x03030303u) << 4u));
  let m = unsigned_bytes(((low >> 4u) & 0x0f0f0f0fu) | (high & 0x30303030u));
  return Scales(unit.scale * s, -unit.offset * m);`;
}
