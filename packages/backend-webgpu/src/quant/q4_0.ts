/**
 * q4_0 on the GPU: weight = scale * (code - 8). Per 4 rows x 32 inputs 72 bytes, exactly the file's.
 * Planes: nibbles (vec4<u32> per chunk: byte i of component r has input i low, input 4 + i high), scales (4 f16 per 32).
 */
import { letHalves, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { NIBBLE_WORD, nibbleBlockCode, nibblePlane } from "./pack-wgsl.js";

export const q4_0: GpuFormat = {
  dtype: "q4_0",
  numbers: "unsigned",
  hasOffset: true,
  planes: [nibblePlane("q4_0"), blockPlane("q4_0", "halves", 1, "half_at(row + unit * 18u)")],
  raw: nibbleBlockCode("q4_0", 2) + NIBBLE_WORD,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes { return nibbles(${wordsAt(q4_0, view, 0, "chunk")}); }
fn scales${view.suffix}(${PLACE}) -> Scales {
  ${letHalves("scale", q4_0, view, 1, "(chunk >> 2u)")}
  return Scales(scale, -8 * scale);
}`,
};
