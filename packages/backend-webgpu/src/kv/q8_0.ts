/**
 * q8_0: a head begins with a word per 32 values that holds their scale as f32 (itself a half), then a word per unit with
 * its four codes, the first in the low byte. 9 bits a value.
 */
import { KV_Q8_0_ELEMENTS, roundKv } from "@millet/core/backend";
import { type KvFormat, unitsOf } from "./format.js";

const BLOCK_UNITS = KV_Q8_0_ELEMENTS / 4;
const LEAST_SCALE = 2 ** -14;
const MOST_CODE = 127;

function blocksOf(size: number): number {
  return Math.ceil(size / KV_Q8_0_ELEMENTS);
}

function wordsOf(size: number): number {
  return blocksOf(size) + unitsOf(size);
}

export const q8_0: KvFormat = {
  dtype: "q8_0",
  element: "u32",
  elementBytes: 4,
  headElements: wordsOf,
  load: (name, array, size) => `
fn ${name}(head: u32, unit: u32) -> vec4<f32> {
  let codes = vec4<i32>(i32(${array}[head + ${blocksOf(size)}u + unit])) << vec4<u32>(24u, 16u, 8u, 0u);
  return bitcast<f32>(${array}[head + unit / ${BLOCK_UNITS}u]) * vec4<f32>(codes >> vec4<u32>(24u));
}`,
  pieces: blocksOf,
  // What is no number is told by its bits: compilers may assume that there are none. It does not count for the scale.
  store: (name, array, source, size) => `
fn ${name}(to: u32, row: u32, head: u32, piece: u32) {
  let first = piece * ${BLOCK_UNITS}u;
  let count = min(${BLOCK_UNITS}u, ${unitsOf(size)}u - first);
  var units: array<vec4<f32>, ${BLOCK_UNITS}>;
  var largest = vec4<u32>(0u);
  for (var i = 0u; i < count; i++) {
    units[i] = ${source}(row, head, first + i);
    let magnitude = bitcast<vec4<u32>>(units[i]) & vec4<u32>(0x7fffffffu);
    largest = max(largest, select(magnitude, vec4<u32>(0u), magnitude > vec4<u32>(0x7f800000u)));
  }
  let most = bitcast<f32>(min(max(max(largest.x, largest.y), max(largest.z, largest.w)), 0x7f7fffffu));
  let scale = unpack2x16float(half_of(max(most / ${MOST_CODE}f, ${LEAST_SCALE}f))).x;
  ${array}[to + piece] = bitcast<u32>(scale);
  for (var i = 0u; i < count; i++) {
    let no_number = (bitcast<vec4<u32>>(units[i]) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
    let bounded = clamp(units[i] * (1f / scale), vec4<f32>(-${MOST_CODE}f), vec4<f32>(${MOST_CODE}f));
    let codes = vec4<u32>(vec4<i32>(round(select(bounded, vec4<f32>(${MOST_CODE}f), no_number)))) & vec4<u32>(0xffu);
    ${array}[to + ${blocksOf(size)}u + first + i] =
      codes.x | (codes.y << 8u) | (codes.z << 16u) | (codes.w << 24u);
  }
}`,
  pack(values, size) {
    const rounded = values.slice();
    roundKv("q8_0", rounded, size);
    const result = new Uint32Array((values.length / size) * wordsOf(size));
    const scales = new Float32Array(result.buffer);
    const codes = new Int8Array(result.buffer);
    for (let from = 0, to = 0; from < values.length; from += size, to += wordsOf(size)) {
      for (let i = 0; i < size; i += KV_Q8_0_ELEMENTS) {
        const block = rounded.subarray(from + i, from + Math.min(i + KV_Q8_0_ELEMENTS, size));
        const scale = scaleOf(block);
        scales[to + i / KV_Q8_0_ELEMENTS] = scale;
        codes.set(
          block.map((x) => x / scale),
          4 * (to + blocksOf(size)) + i,
        );
      }
    }
    return result;
  },
  unpack(words, size) {
    const scales = new Float32Array(words.buffer, words.byteOffset, words.length);
    const codes = new Int8Array(words.buffer, words.byteOffset, 4 * words.length);
    const heads = words.length / wordsOf(size);
    return Float32Array.from({ length: heads * size }, (_, i) => {
      const head = Math.floor(i / size) * wordsOf(size);
      const element = i % size;
      const code = codes[4 * (head + blocksOf(size)) + element]!;
      return scales[head + Math.floor(element / KV_Q8_0_ELEMENTS)]! * code;
    });
  },
};

/** The scale of values that are rounded already: the largest code is 127 unless the scale is the least. */
function scaleOf(rounded: Float32Array): number {
  const largest = rounded.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return Math.max(largest / MOST_CODE, LEAST_SCALE);
}
