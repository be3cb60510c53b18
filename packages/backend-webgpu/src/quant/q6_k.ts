/**
 * q6_k on the GPU: weight = scale * s * (code - 32). Per 4 rows x 256 inputs 840 bytes, exactly the file's.
 * Planes: nibbles as q4_0; upper pairs of bits (vec4<u32> per 16 inputs); s as signed bytes, 4 rows in a u32 per 16
 * inputs; scales (4 f16 per 256 inputs).
 */
import { letBytes, letHalves, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { NIBBLE_WORD, nibblePlane, PAIR_WORD, pairPlane } from "./pack-wgsl.js";

export const q6_k: GpuFormat = {
  dtype: "q6_k",
  numbers: "unsigned",
  hasOffset: true,
  planes: [
    nibblePlane("q6_k"),
    pairPlane("q6_k", 4),
    blockPlane("q6_k", "bytes", 16, "byte_at(row + (unit / 16u) * 210u + 192u + unit % 16u)"),
    blockPlane("q6_k", "halves", 1, "half_at(row + unit * 210u + 208u)"),
  ],
  raw: `
fn code(row: u32, k: u32) -> u32 {
  let i = k & 127u;
  let part = (k >> 7u) & 1u;
  let block = row + (k / 256u) * 210u;
  let pair = byte_at(block + 64u * part + (i & 63u));
  let upper = byte_at(block + 128u + 32u * part + (i & 31u)) >> (2u * (i >> 5u));
  return select(pair & 15u, pair >> 4u, i >= 64u) | ((upper & 3u) << 4u);
}${NIBBLE_WORD}${PAIR_WORD}`,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes {
  let low_bits = nibbles(${wordsAt(q6_k, view, 0, "chunk")});
  let upper = ${wordsAt(q6_k, view, 1, "(chunk >> 1u)")} >> vec4<u32>(4u * (chunk & 1u));
  return Codes(low_bits.low | ((upper & vec4<u32>(0x03030303u)) << vec4<u32>(4u)),
    low_bits.high | ((upper & vec4<u32>(0x0c0c0c0cu)) << vec4<u32>(2u)));
}
fn scales${view.suffix}(${PLACE}) -> Scales {
  ${letHalves("unit", q6_k, view, 3, "(chunk >> 5u)")}
  ${letBytes("s", q6_k, view, 2, "(chunk >> 1u)")}
  let scale = unit * signed_bytes(s);
  return Scales(scale, -32 * scale);
}`,
};
