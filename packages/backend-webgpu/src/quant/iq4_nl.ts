/**
 * iq4_nl on the GPU: weight = scale * level[code]. Per 4 rows x 32 inputs 72 bytes, exactly the file's.
 * Planes: nibbles and scales as q4_0.
 */
import { letHalves, PLACE, wordsAt } from "./decode-wgsl.js";
import { blockPlane, type GpuFormat } from "./format.js";
import { NIBBLE_WORD, nibbleBlockCode, nibblePlane } from "./pack-wgsl.js";

export const iq4_nl: GpuFormat = {
  dtype: "iq4_nl",
  numbers: "signed",
  hasOffset: false,
  planes: [nibblePlane("iq4_nl"), blockPlane("iq4_nl", "halves", 1, "half_at(row + unit * 18u)")],
  raw: nibbleBlockCode("iq4_nl", 2) + NIBBLE_WORD,
  decode: (view) => `
fn codes${view.suffix}(${PLACE}) -> Codes {
  let codes = nibbles(${wordsAt(iq4_nl, view, 0, "chunk")});
  return Codes(levels(codes.low), levels(codes.high));
}
fn scales${view.suffix}(${PLACE}) -> Scales {
  ${letHalves("scale", iq4_nl, view, 1, "(chunk >> 2u)")}
  return Scales(scale, vec4<f32>(0));
}`,
};
