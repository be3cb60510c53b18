/**
 * q5_0 on the GPU: weight = scale * (code - 16). Per 4 rows x 32 inputs 88 bytes, exactly the file's.
 * Planes: nibbles as q4_0; fifth bits (vec4<u32> per 32 inputs); scales (4 f16 per 32 inputs).
 */
import { fifthBits, letHalves, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { BIT_WORD, bitPlane, fiveBitBlockCode, NIBBLE_WORD, nibblePlane } from "./pack-wgsl.js";

export const q5_0: GpuFormat = {
  dtype: "q5_0",
  numbers: "unsigned",
  hasOffset: true,
  planes: [
    nibblePlane("q5_0"),
    bitPlane("q5_0", 4),
    blockPlane("q5_0", "halves", 1, "half_at(row + unit * 22u)"),
  ],
  raw: fiveBitBlockCode("q5_0", 2) + NIBBLE_WORD + BIT_WORD,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes {
  ${fifthBits(wordsAt(q5_0, view, 0, "chunk"), wordsAt(q5_0, view, 1, "(chunk >> 2u)"))}
}
fn scales${view.suffix}(${PLACE}) -> Scales {
  ${letHalves("scale", q5_0, view, 2, "(chunk >> 2u)")}
  return Scales(scale, -16 * scale);
}`,
};
