/** gather_rows: y[i, :] = x[indices[i], :], shared by groups of 8 features. Rows outside [0, rows) are the host's to refuse. */
import { address, count, word } from "../address";
import { GatherRowsOperand as Operand } from "../opcodes";
import { shareEnd, shareStart } from "../partition";

export function gatherRows(step: usize, thread: i32, threads: i32): void {
  const groups = (word(step, Operand.Width) + 7) >> 3;
  const start = <usize>shareStart(groups, thread, threads) << 5;
  const bytes = (<usize>shareEnd(groups, thread, threads) << 5) - start;
  const x = address(step, Operand.X) + start;
  const xStride = address(step, Operand.XStride);
  const yStride = address(step, Operand.YStride);
  const indices = address(step, Operand.Indices);
  let y = address(step, Operand.Y) + start;
  const rows = count(step, Operand.Count);
  for (let i = 0; i < rows; i++) {
    memory.copy(y, x + xStride * load<i32>(indices + (<usize>i << 2)), bytes);
    y += yStride;
  }
}
