/** bf16 on the GPU: 2 bytes an input; a vec4<u32> has 8 inputs of one row in order. plain.ts says more. */
import { plainFormat, TWO_HALVES, TWO_HALVES_VALUE } from "./plain.js";

/** A bf16 is the upper half of an f32. */
const four = (words: string) =>
  `bitcast<vec4<f32>>(vec4<u32>(${words}.x << 16u, ${words}.x & 0xffff0000u, ${words}.y << 16u, ${words}.y & 0xffff0000u))`;

export const bf16 = plainFormat("bf16", 4, TWO_HALVES_VALUE, TWO_HALVES, (page, at) => [
  four(`${page}[${at}].xy`),
  four(`${page}[${at}].zw`),
]);
