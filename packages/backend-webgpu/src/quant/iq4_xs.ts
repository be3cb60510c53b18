/**
 * iq4_xs on the GPU: weight = scale * (s - 32) * level[code]. Per 4 rows x 256 inputs 544 bytes, exactly the file's.
 * Planes: nibbles as q4_0; scales (4 f16 per 256 inputs); the 6-bit s as units of a byte for each row: units 0..3 of a
 * block have the low nibbles of two neighbouring sub-blocks, units 4 and 5 the upper 2 bits of four.
 */
import { letBytes, letHalves, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { NIBBLE_WORD, nibblePlane } from "./pack-wgsl.js";

export const iq4_xs: GpuFormat = {
  dtype: "iq4_xs",
  numbers: "signed",
  hasOffset: false,
  planes: [
    nibblePlane("iq4_xs"),
    blockPlane("iq4_xs", "halves", 1, "half_at(row + unit * 136u)"),
    blockPlane("iq4_xs", "bytes", 6, "scale_byte(row + (unit / 6u) * 136u, unit % 6u)"),
  ],
  // In the file the low nibbles are 4 bytes at byte 4 and the upper bits 2 bytes at byte 2, in this very order.
  raw: `
fn code(row: u32, k: u32) -> u32 {
  let pair = byte_at(row + (k / 256u) * 136u + 8u + 16u * ((k >> 5u) & 7u) + (k & 15u));
  return select(pair & 15u, pair >> 4u, (k & 16u) != 0u);
}
fn scale_byte(block: u32, unit: u32) -> u32 {
  return byte_at(select(block + 2u + unit - 4u, block + 4u + unit, unit < 4u));
}${NIBBLE_WORD}`,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes {
  let codes = nibbles(${wordsAt(iq4_xs, view, 0, "chunk")});
  return Codes(levels(codes.low), levels(codes.high));
}
fn scales${view.suffix}(${PLACE}) -> Scales {
  let block = chunk >> 5u;
  let sub_block = (chunk >> 2u) & 7u;
  ${letHalves("unit", iq4_xs, view, 1, "block")}
  ${letBytes("low", iq4_xs, view, 2, "block * 6u + (sub_block >> 1u)")}
  ${letBytes("upper", iq4_xs, view, 2, "block * 6u + 4u + (sub_block >> 2u)")}
  let s = ((low >> (4u * (sub_block & 1u))) & 0x0f0f0f0fu) | (((upper >> (2u * (sub_block & 3u))) & 0x03030303u) << 4u);
  return Scales(unit * (unsigned_bytes(s) - 32), vec4<f32>(0));
}`,
};
