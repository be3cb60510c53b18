/**
 * refine: each row of f32 as two rows, 2i itself and 2i + 1 what is left of it once its blocks of 32 are int8 as quantize
 * makes them. The product of the two, quantized and added up, knows a row to 15 bits instead of 8.
 */
import { address, count, word } from "../address";
import { ROUNDER } from "../constants";
import { RefineOperand as Operand, Sharing } from "../opcodes";
import { privateIndex, rowEnd, rowStart } from "../partition";
import { largestMagnitude } from "./quantize";

export function refine(step: usize, thread: i32, threads: i32): void {
  const replicated = word(step, Operand.Sharing) == Sharing.Replicated;
  const x = address(step, Operand.X) + address(step, Operand.XPrivate) * privateIndex;
  const xStride = address(step, Operand.XStride);
  const y = address(step, Operand.Y) + address(step, Operand.YPrivate) * privateIndex;
  const yStride = address(step, Operand.YStride);
  const blocks = word(step, Operand.Width) >> 5;
  const rows = count(step, Operand.Count);
  const end = replicated ? rows : min(rows, rowEnd(rows, thread, threads));
  for (let row = replicated ? 0 : rowStart(rows, thread, threads); row < end; row++) {
    const target = y + yStride * (row << 1);
    memory.copy(target, x + xStride * row, <usize>blocks << 7);
    for (let b = 0; b < blocks; b++) refineBlock(x + xStride * row + (<usize>b << 7), target + yStride + (<usize>b << 7));
  }
}

@inline
function refineBlock(x: usize, rest: usize): void {
  const largest = largestMagnitude(x);
  const inverse = f32x4.splat(largest == 0 ? 0 : 127 / largest);
  const scale = f32x4.splat(largest / 127);
  const rounder = f32x4.splat(ROUNDER);
  for (let i: usize = 0; i < 128; i += 16) {
    const value = v128.load(x + i);
    const code = f32x4.sub(f32x4.add(f32x4.mul(value, inverse), rounder), rounder);
    v128.store(rest + i, f32x4.sub(value, f32x4.mul(code, scale)));
  }
}
