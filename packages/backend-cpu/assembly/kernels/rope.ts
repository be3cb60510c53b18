/**
 * rope: rotary position embedding (Su et al. 2021, arXiv 2104.09864). The host supplies, per row of the call, the
 * cosines and then the sines of all pairs (f32, computed in f64): angles stay exact at large positions.
 */
import { address, count, word } from "../address";
import { RopeOperand as Operand } from "../opcodes";
import { rowEnd, rowStart } from "../partition";

export function rope(step: usize, thread: i32, threads: i32): void {
  const rows = count(step, Operand.Count);
  const heads = word(step, Operand.Heads);
  const headDim = word(step, Operand.HeadDim);
  const pairs = word(step, Operand.RotationPairs);
  const interleaved = word(step, Operand.Interleaved) != 0;
  const end = min(rows, rowEnd(rows, thread, threads));
  for (let row = rowStart(rows, thread, threads); row < end; row++) {
    const table = rotationOf(address(step, Operand.Rotation), row, pairs);
    let x = address(step, Operand.X) + address(step, Operand.XStride) * row;
    let y = address(step, Operand.Y) + address(step, Operand.YStride) * row;
    for (let head = 0; head < heads; head++) {
      rotate(x, table, pairs, interleaved, headDim, 1, y);
      x += <usize>headDim << 2;
      y += <usize>headDim << 2;
    }
  }
}

/** The cosines of a row; its sines follow. */
@inline
export function rotationOf(table: usize, row: i32, pairs: i32): usize {
  return table + (<usize>(row * pairs) << 3);
}

/** Rotates one head and multiplies it by `scale`. Elements past the rotated part are only scaled. */
export function rotate(
  x: usize,
  table: usize,
  pairs: i32,
  interleaved: bool,
  headDim: i32,
  scale: f32,
  y: usize,
): void {
  const step: usize = interleaved ? 8 : 4;
  const partner: usize = interleaved ? 4 : <usize>pairs << 2;
  const sines = <usize>pairs << 2;
  let source = x;
  let target = y;
  for (let i = 0; i < pairs; i++) {
    const a = load<f32>(source);
    const b = load<f32>(source + partner);
    const cos = load<f32>(table);
    const sin = load<f32>(table + sines);
    store<f32>(target, (a * cos - b * sin) * scale);
    store<f32>(target + partner, (a * sin + b * cos) * scale);
    source += step;
    target += step;
    table += 4;
  }
  for (let i = pairs << 1; i < headDim; i++) store<f32>(y + (<usize>i << 2), load<f32>(x + (<usize>i << 2)) * scale);
}
