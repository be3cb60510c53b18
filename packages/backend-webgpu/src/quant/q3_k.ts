/**
 * q3_k on the GPU: weight = scale * (s - 32) * (code - 4). Per 4 rows x 256 inputs 440 bytes, exactly the file's.
 * Planes: lower pairs of bits (vec4<u32> per 16 inputs); third bits (vec4<u32> per 32 inputs); the 6-bit s as the file's
 * 12 bytes, each byte of 4 rows side by side in a u32; scales (4 f16 per 256 inputs).
 */
import { letBytes, letHalves, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { BIT_WORD, bitPlane, PAIR_WORD, pairPlane } from "./pack-wgsl.js";

export const q3_k: GpuFormat = {
  dtype: "q3_k",
  numbers: "unsigned",
  hasOffset: true,
  planes: [
    pairPlane("q3_k", 0),
    bitPlane("q3_k", 2),
    blockPlane("q3_k", "bytes", 12, "byte_at(row + (unit / 12u) * 110u + 96u + unit % 12u)"),
    blockPlane("q3_k", "halves", 1, "half_at(row + unit * 110u + 108u)"),
  ],
  raw: `
fn code(row: u32, k: u32) -> u32 {
  let i = k & 127u;
  let block = row + (k / 256u) * 110u;
  let low = (byte_at(block + 32u + 32u * ((k >> 7u) & 1u) + (i & 31u)) >> (2u * (i >> 5u))) & 3u;
  let bit = (byte_at(block + (k & 31u)) >> ((k >> 5u) & 7u)) & 1u;
  return low | (bit << 2u);
}${PAIR_WORD}${BIT_WORD}`,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes {
  let pairs = ${wordsAt(q3_k, view, 0, "(chunk >> 1u)")} >> vec4<u32>(4u * (chunk & 1u));
  let bits = ${wordsAt(q3_k, view, 1, "(chunk >> 2u)")} >> vec4<u32>(2u * (chunk & 3u));
  return Codes((pairs & vec4<u32>(0x03030303u)) | ((bits & vec4<u32>(0x01010101u)) << vec4<u32>(2u)),
    ((pairs >> vec4<u32>(2u)) & vec4<u32>(0x03030303u)) | ((bits & vec4<u32>(0x02020202u)) << vec4<u32>(1u)));
}
fn scales${view.suffix}(${PLACE}) -> Scales {
  let block = chunk >> 5u;
  let j = (chunk >> 1u) & 15u;
  ${letHalves("unit", q3_k, view, 3, "block")}
  ${letBytes("low", q3_k, view, 2, "block * 12u + (j & 7u)")}
  ${letBytes("upper", q3_k, view, 2, "block * 12u + 8u + (j & 3u)")}
  let s = ((low >> (4u * (j >> 3u))) & 0x0f0f0f0fu) | (((upper >> (2u * (j >> 2u))) & 0x03030303u) << 4u);
  let scale = unit * (unsigned_bytes(s) - 32);
  return Scales(scale, -4 * scale);
}`,
};
