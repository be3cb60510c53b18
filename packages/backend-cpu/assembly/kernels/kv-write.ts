/** kv_positions and kv_write: the keys, values and positions of a call's rows go to their rows of the cache. */
import { address, count, word } from "../address";
import { blockAddresses, blockAt, headBytes, keyBytes, paddedValueDim } from "../kv";
import { KvBlock, KvPositionsOperand, KvWriteOperand as Operand } from "../opcodes";
import { shareEnd, shareStart } from "../partition";
import { rotate, rotationOf } from "./rope";

export function kvPositions(step: usize, thread: i32, threads: i32): void {
  const rows = count(step, KvPositionsOperand.Count);
  const positions = address(step, KvPositionsOperand.Positions);
  const writeRows = address(step, KvPositionsOperand.WriteRows);
  const table = blockAddresses(step, KvPositionsOperand.Blocks);
  for (let i = shareStart(rows, thread, threads); i < shareEnd(rows, thread, threads); i++) {
    const row = load<i32>(writeRows + (<usize>i << 2));
    const slot = <usize>(row & (KvBlock.Rows - 1)) << 2;
    store<i32>(blockAt(table, row >> 5) + slot, load<i32>(positions + (<usize>i << 2)));
  }
}

export function kvWrite(step: usize, thread: i32, threads: i32): void {
  if (thread == 0) {
    memory.fill(address(step, Operand.Counters), 0, <usize>word(step, Operand.CounterCount) << 2);
  }
  const kvHeads = word(step, Operand.KvHeads);
  const units = count(step, Operand.Count) * kvHeads;
  for (let unit = shareStart(units, thread, threads); unit < shareEnd(units, thread, threads); unit++) {
    writeHead(step, unit / kvHeads, unit % kvHeads);
  }
}

function writeHead(step: usize, row: i32, head: i32): void {
  const headDim = word(step, Operand.HeadDim);
  const valueDim = word(step, Operand.ValueDim);
  const pairs = word(step, Operand.RotationPairs);
  const cacheRow = load<i32>(address(step, Operand.WriteRows) + (<usize>row << 2));
  const slot = <usize>(cacheRow & (KvBlock.Rows - 1));
  const block = blockAt(blockAddresses(step, Operand.Blocks), cacheRow >> 5);
  const keys = block + address(step, Operand.LayerOffset) + headBytes(headDim, valueDim) * head;
  const k = address(step, Operand.K) + address(step, Operand.KStride) * row + (<usize>(head * headDim) << 2);
  const table = rotationOf(address(step, Operand.Rotation), row, pairs);
  const interleaved = word(step, Operand.Interleaved) != 0;
  rotate(k, table, pairs, interleaved, headDim, 1, keys + (slot << 2), KvBlock.Rows << 2);
  const v = address(step, Operand.V) + address(step, Operand.VStride) * row + (<usize>(head * valueDim) << 2);
  const rowBytes = <usize>paddedValueDim(valueDim) << 2;
  const values = keys + keyBytes(headDim) + rowBytes * slot;
  memory.copy(values, v, <usize>valueDim << 2);
  memory.fill(values + (<usize>valueDim << 2), 0, rowBytes - (<usize>valueDim << 2));
}
