/**
 * q5_k on the GPU: weight = scale * s * code - minimumScale * m. Per 4 rows x 256 inputs 704 bytes, exactly the file's.
 * Planes: nibbles as q4_0; fifth bits (vec4<u32> per 32 inputs); f16 pairs per 256 inputs; k-scales.ts.
 */
import { fifthBits, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { K_SCALE_BYTE, kScalePlane, kScales } from "./k-scales.js";
import { BIT_WORD, bitPlane, NIBBLE_WORD, nibblePlane } from "./pack-wgsl.js";

export const q5_k: GpuFormat = {
  dtype: "q5_k",
  numbers: "unsigned",
  hasOffset: true,
  planes: [
    nibblePlane("q5_k"),
    bitPlane("q5_k", 4),
    blockPlane("q5_k", "words", 1, "word_at(row + unit * 176u)"),
    kScalePlane("q5_k", 176),
  ],
  raw: `
fn code(row: u32, k: u32) -> u32 {
  let i = k & 255u;
  let block = row + (k / 256u) * 176u;
  let pair = byte_at(block + 48u + 32u * (i >> 6u) + (i & 31u));
  let bit = (byte_at(block + 16u + (i & 31u)) >> (i >> 5u)) & 1u;
  return select(pair & 15u, pair >> 4u, (i & 32u) != 0u) | (bit << 4u);
}${NIBBLE_WORD}${BIT_WORD}${K_SCALE_BYTE}`,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes {
  ${fifthBits(wordsAt(q5_k, view, 0, "chunk"), wordsAt(q5_k, view, 1, "(chunk >> 2u)"))}
}
fn scales${view.suffix}(${PLACE}) -> Scales {${kScales(q5_k, view, 2, 3)}
}`,
};
