/**
 * q5_1 on the GPU: weight = scale * code + minimum. Per 4 rows x 32 inputs 96 bytes, exactly the file's.
 * Planes: nibbles as q4_0; fifth bits (vec4<u32> per 32 inputs); per 32 inputs a vec4<u32> of f16 pairs as q4_1.
 */
import { fifthBits, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { BIT_WORD, bitPlane, fiveBitBlockCode, NIBBLE_WORD, nibblePlane } from "./pack-wgsl.js";

export const q5_1: GpuFormat = {
  dtype: "q5_1",
  numbers: "unsigned",
  hasOffset: true,
  planes: [
    nibblePlane("q5_1"),
    bitPlane("q5_1", 4),
    blockPlane("q5_1", "words", 1, "word_at(row + unit * 24u)"),
  ],
  raw: fiveBitBlockCode("q5_1", 4) + NIBBLE_WORD + BIT_WORD,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes {
  ${fifthBits(wordsAt(q5_1, view, 0, "chunk"), wordsAt(q5_1, view, 1, "(chunk >> 2u)"))}
}
fn scales${view.suffix}(${PLACE}) -> Scales { return half_pairs(${wordsAt(q5_1, view, 2, "(chunk >> 2u)")}); }`,
};
