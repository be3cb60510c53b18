/**
 * q4_k on the GPU: weight = scale * s * code - minimumScale * m. Per 4 rows x 256 inputs 576 bytes, exactly the file's.
 * Planes: nibbles as q4_0; f16 pairs (scale, minimumScale) per 256 inputs, component r for row r; k-scales.ts.
 */
import { PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { K_SCALE_BYTE, kScalePlane, kScales } from "./k-scales.js";
import { NIBBLE_WORD, nibblePlane } from "./pack-wgsl.js";

export const q4_k: GpuFormat = {
  dtype: "q4_k",
  numbers: "unsigned",
  hasOffset: true,
  planes: [
    nibblePlane("q4_k"),
    blockPlane("q4_k", "words", 1, "word_at(row + unit * 144u)"),
    kScalePlane("q4_k", 144),
  ],
  raw: `
fn code(row: u32, k: u32) -> u32 {
  let i = k & 255u;
  let pair = byte_at(row + (k / 256u) * 144u + 16u + 32u * (i >> 6u) + (i & 31u));
  return select(pair & 15u, pair >> 4u, (i & 32u) != 0u);
}${NIBBLE_WORD}${K_SCALE_BYTE}`,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes { return nibbles(${wordsAt(q4_k, view, 0, "chunk")}); }
fn scales${view.suffix}(${PLACE}) -> Scales {${kScales(q4_k, view, 1, 2)}
}`,
};
