/**
 * q8_0 on the GPU: weight = scale * code, signed. Per 4 rows x 32 inputs 136 bytes, exactly the file's.
 * Planes: inputs 0..3 of each chunk (vec4<u32>: component r has 4 bytes of row r), inputs 4..7 likewise, scales (4 f16
 * per 32 inputs).
 */
import { letHalves, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";

export const q8_0: GpuFormat = {
  dtype: "q8_0",
  numbers: "signed",
  hasOffset: false,
  planes: [
    blockPlane("q8_0", "words", 4, "four_codes(row, unit * 8u)"),
    blockPlane("q8_0", "words", 4, "four_codes(row, unit * 8u + 4u)"),
    blockPlane("q8_0", "halves", 1, "half_at(row + unit * 34u)"),
  ],
  raw: `
fn four_codes(row: u32, k: u32) -> u32 { return word_at(row + (k / 32u) * 34u + 2u + (k & 31u)); }`,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes {
  return Codes(${wordsAt(q8_0, view, 0, "chunk")}, ${wordsAt(q8_0, view, 1, "chunk")});
}
fn scales${view.suffix}(${PLACE}) -> Scales {
  ${letHalves("scale", q8_0, view, 2, "(chunk >> 2u)")}
  return Scales(scale, vec4<f32>(0));
}`,
};
