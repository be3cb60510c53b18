/** f16 on the GPU: 2 bytes an input; a vec4<u32> has 8 inputs of one row in order. plain.ts says more. */
import { plainFormat, TWO_HALVES, TWO_HALVES_VALUE } from "./plain.js";

export const f16 = plainFormat("f16", 4, TWO_HALVES_VALUE, TWO_HALVES, (page, at) => [
  `four_halves(${page}[${at}].xy)`,
  `four_halves(${page}[${at}].zw)`,
]);
