/** f32: a unit is a vec4. */
import { type KvFormat, unitsOf } from "./format.js";

export const f32: KvFormat = {
  dtype: "f32",
  element: "vec4<f32>",
  elementBytes: 16,
  headElements: unitsOf,
  load: (name, array) => `
fn ${name}(head: u32, unit: u32) -> vec4<f32> { return ${array}[head + unit]; }`,
  pieces: unitsOf,
  store: (name, array, source) => `
fn ${name}(to: u32, row: u32, head: u32, piece: u32) { ${array}[to + piece] = ${source}(row, head, piece); }`,
  pack(values, size) {
    const padded = 4 * unitsOf(size);
    const heads = values.length / size;
    const result = new Float32Array(heads * padded);
    for (let head = 0; head < heads; head++) {
      result.set(values.subarray(head * size, (head + 1) * size), head * padded);
    }
    return new Uint32Array(result.buffer);
  },
  unpack(words, size) {
    const padded = 4 * unitsOf(size);
    const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
    const heads = words.length / padded;
    const result = new Float32Array(heads * size);
    for (let head = 0; head < heads; head++) {
      result.set(floats.subarray(head * padded, head * padded + size), head * size);
    }
    return result;
  },
};
