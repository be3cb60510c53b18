/** f32 on the GPU: 4 bytes an input; two vec4<u32> have 8 inputs of one row in order. plain.ts says more. */
import { plainFormat } from "./plain.js";

const RAW = `
fn word_or_zero(row: u32, k: u32) -> u32 { if (k < COLUMNS) { return word_at(row + 4u * k); } return 0u; }`;

export const f32 = plainFormat("f32", 8, "word_or_zero(row, unit)", RAW, (page, at) => [
  `bitcast<vec4<f32>>(${page}[${at}])`,
  `bitcast<vec4<f32>>(${page}[${at} + 1u])`,
]);
