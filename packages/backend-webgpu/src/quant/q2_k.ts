/**
 * q2_k on the GPU: weight = scale * s * code - minimumScale * m. Per 4 rows x 256 inputs 336 bytes, exactly the file's.
 * Planes: pairs of bits (vec4<u32> per 16 inputs); f16 pairs (scale, minimumScale) per 256 inputs, component r for row
 * r; a byte with s (low nibble) and m for each row per 16 inputs.
 */
import { letBytes, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { PAIR_WORD, pairPlane } from "./pack-wgsl.js";

export const q2_k: GpuFormat = {
  dtype: "q2_k",
  numbers: "unsigned",
  hasOffset: true,
  planes: [
    pairPlane("q2_k", 0),
    blockPlane("q2_k", "words", 1, "word_at(row + unit * 84u + 80u)"),
    blockPlane("q2_k", "bytes", 16, "byte_at(row + (unit / 16u) * 84u + unit % 16u)"),
  ],
  raw: `
fn code(row: u32, k: u32) -> u32 {
  let i = k & 127u;
  let byte = byte_at(row + (k / 256u) * 84u + 16u + 32u * ((k >> 7u) & 1u) + (i & 31u));
  return (byte >> (2u * (i >> 5u))) & 3u;
}${PAIR_WORD}`,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes {
  let pairs = ${wordsAt(q2_k, view, 0, "(chunk >> 1u)")} >> vec4<u32>(4u * (chunk & 1u));
  return Codes(pairs & vec4<u32>(0x03030303u), (pairs >> vec4<u32>(2u)) & vec4<u32>(0x03030303u));
}
fn scales${view.suffix}(${PLACE}) -> Scales {
  let unit = half_pairs(${wordsAt(q2_k, view, 1, "(chunk >> 5u)")});
  ${letBytes("both", q2_k, view, 2, "(chunk >> 1u)")}
  let s = unsigned_bytes(both & 0x0f0f0f0fu);
  let m = unsigned_bytes((both >> 4u) & 0x0f0f0f0fu);
  return Scales(unit.scale * s, -unit.offset * m);
}`,
};
