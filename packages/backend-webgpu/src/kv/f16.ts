/**
 * f16: a unit is two words of two halves each, the first value in the low half. Rounding is done on integers:
 * pack2x16float leaves the direction to the driver, and may flush what is subnormal.
 */
import { f16ToNumber, numberToF16 } from "@millet/core/quant";
import { type KvFormat, unitsOf } from "./format.js";

const MOST_HALF = 65504;

/** `fn half_of(value: f32) -> u32`: nearest, ties to even, no farther from zero than 65504; NaN becomes 65504. */
export const HALF_WGSL = `
fn half_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return 0x7bffu; }
  let sign = (bits >> 16u) & 0x8000u;
  if (magnitude >= 0x477fe000u) { return sign | 0x7bffu; }
  if (magnitude < 0x33000000u) { return sign; }
  var whole = magnitude - 0x38000000u;
  var shift = 13u;
  if (magnitude < 0x38800000u) {
    whole = (magnitude & 0x7fffffu) | 0x800000u;
    shift = 126u - (magnitude >> 23u);
  }
  let kept = whole >> shift;
  let rest = whole & ((1u << shift) - 1u);
  let half = 1u << (shift - 1u);
  return sign | (kept + select(0u, 1u, rest > half || (rest == half && (kept & 1u) == 1u)));
}`;

export const f16: KvFormat = {
  dtype: "f16",
  element: "vec2<u32>",
  elementBytes: 8,
  headElements: unitsOf,
  load: (name, array) => `
fn ${name}(head: u32, unit: u32) -> vec4<f32> {
  let words = ${array}[head + unit];
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}`,
  pieces: unitsOf,
  store: (name, array, source) => `
fn ${name}(to: u32, row: u32, head: u32, piece: u32) {
  let four = ${source}(row, head, piece);
  ${array}[to + piece] = vec2<u32>(
    half_of(four.x) | (half_of(four.y) << 16u), half_of(four.z) | (half_of(four.w) << 16u));
}`,
  pack(values, size) {
    const padded = 4 * unitsOf(size);
    const result = new Uint16Array((values.length / size) * padded);
    values.forEach((value, i) => {
      result[Math.floor(i / size) * padded + (i % size)] = numberToF16(bounded(value));
    });
    return new Uint32Array(result.buffer);
  },
  unpack(words, size) {
    const padded = 4 * unitsOf(size);
    const halves = new Uint16Array(words.buffer, words.byteOffset, 2 * words.length);
    return Float32Array.from({ length: (halves.length / padded) * size }, (_, i) =>
      f16ToNumber(halves[Math.floor(i / size) * padded + (i % size)]!),
    );
  },
};

function bounded(x: number): number {
  return x < MOST_HALF ? Math.max(x, -MOST_HALF) : MOST_HALF; // NaN, too
}
