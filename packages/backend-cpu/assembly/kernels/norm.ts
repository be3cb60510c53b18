/**
 * rms_norm and layer_norm, shared by rows, by nothing (every thread all of it), or by groups of 8 features: then a thread
 * reads whole those groups of columns of which it writes a part, so that nobody waits for a sum.
 */
import { address, count, real, word } from "../address";
import { NormOperand as Operand, Opcode, Sharing } from "../opcodes";
import { privateIndex, rowEnd, rowStart, shareEnd, shareStart } from "../partition";
import { layerNorm } from "./layer-norm";
import { rmsNorm } from "./rms-norm";

export function norm(opcode: Opcode, step: usize, thread: i32, threads: i32): void {
  const sharing = word(step, Operand.Sharing);
  const columns = word(step, Operand.Width) * word(step, Operand.Groups);
  const rows = count(step, Operand.Count);
  const byRows = sharing == Sharing.Rows;
  const firstRow = byRows ? rowStart(rows, thread, threads) : 0;
  const endRow = byRows ? min(rows, rowEnd(rows, thread, threads)) : rows;
  const byFeatures = sharing == Sharing.Features;
  const blocks = (columns + 7) >> 3;
  const first = byFeatures ? shareStart(blocks, thread, threads) << 3 : 0;
  const end = byFeatures ? min(columns, shareEnd(blocks, thread, threads) << 3) : columns;
  if (first >= end) return;
  const x = address(step, Operand.X);
  const xStride = address(step, Operand.XStride);
  const y = address(step, Operand.Y) + address(step, Operand.YPrivate) * privateIndex;
  const yStride = address(step, Operand.YStride);
  for (let row = firstRow; row < endRow; row++) {
    normRow(opcode, step, x + xStride * row, y + yStride * row, first, end);
  }
}

/** Writes the columns from `first` to before `end` of a row. */
function normRow(opcode: Opcode, step: usize, x: usize, y: usize, first: i32, end: i32): void {
  const width = word(step, Operand.Width);
  const epsilon = <f64>real(step, Operand.Epsilon);
  const weight = address(step, Operand.Weight);
  const bias = address(step, Operand.Bias);
  const sharedWeight = word(step, Operand.SharedWeight) != 0;
  for (let start = first - (first % width); start < end; start += width) {
    const at = <usize>start << 2;
    const own: usize = sharedWeight ? 0 : at;
    const from = <usize>(max(first, start) - start) << 2;
    const to = <usize>(min(end, start + width) - start) << 2;
    if (opcode == Opcode.RmsNorm) rmsNorm(x + at, width, epsilon, weight + own, y + at, from, to);
    else layerNorm(x + at, width, epsilon, weight + own, bias == 0 ? 0 : bias + own, y + at, from, to);
  }
}
