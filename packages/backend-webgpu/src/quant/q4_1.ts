/**
 * q4_1 on the GPU: weight = scale * code + minimum. Per 4 rows x 32 inputs 80 bytes, exactly the file's.
 * Planes: nibbles as q4_0; per 32 inputs a vec4<u32> whose component r has row r's scale (low half) and minimum.
 */
import { PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { NIBBLE_WORD, nibbleBlockCode, nibblePlane } from "./pack-wgsl.js";

export const q4_1: GpuFormat = {
  dtype: "q4_1",
  numbers: "unsigned",
  hasOffset: true,
  planes: [nibblePlane("q4_1"), blockPlane("q4_1", "words", 1, "word_at(row + unit * 20u)")],
  raw: nibbleBlockCode("q4_1", 4) + NIBBLE_WORD,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes { return nibbles(${wordsAt(q4_1, view, 0, "chunk")}); }
fn scales${view.suffix}(${PLACE}) -> Scales { return half_pairs(${wordsAt(q4_1, view, 1, "(chunk >> 2u)")}); }`,
};
