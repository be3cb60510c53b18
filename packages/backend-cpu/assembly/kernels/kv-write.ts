/** kv_positions and kv_write: the keys, values and positions of a call's rows go to their rows of the cache. */
import { address, count, word } from "../address";
import { blockAddresses, blockAt, headStride, keyBytes, positionsAt } from "../kv";
import { KvBlock, KvPositionsOperand, KvType, KvWriteOperand as Operand } from "../opcodes";
import { privateIndex, shareEnd, shareStart } from "../partition";
import { storeKeys, storeValues } from "./kv-elements";
import { rotate, rotationOf } from "./rope";

export function kvPositions(step: usize, thread: i32, threads: i32): void {
  const rows = count(step, KvPositionsOperand.Count);
  const positions = address(step, KvPositionsOperand.Positions);
  const writeRows = address(step, KvPositionsOperand.WriteRows);
  const table = blockAddresses(step, KvPositionsOperand.Blocks);
  for (let i = shareStart(rows, thread, threads); i < shareEnd(rows, thread, threads); i++) {
    const row = load<i32>(writeRows + (<usize>i << 2));
    const slot = <usize>(row & (KvBlock.Rows - 1)) << 2;
    store<i32>(positionsAt(table, row >> 5) + slot, load<i32>(positions + (<usize>i << 2)));
  }
}

export function kvWrite(step: usize, thread: i32, threads: i32): void {
  if (thread == 0) {
    memory.fill(address(step, Operand.Counters), 0, <usize>word(step, Operand.CounterCount) << 2);
  }
  const rows = count(step, Operand.Count);
  const units = rows * word(step, Operand.KvHeads);
  for (let unit = shareStart(units, thread, threads); unit < shareEnd(units, thread, threads); unit++) {
    writeHead(step, unit % rows, unit / rows); // rows of a head share the cache lines of its keys
  }
}

function writeHead(step: usize, row: i32, head: i32): void {
  const headDim = word(step, Operand.HeadDim);
  const valueDim = word(step, Operand.ValueDim);
  const pairs = word(step, Operand.RotationPairs);
  const cacheRow = load<i32>(address(step, Operand.WriteRows) + (<usize>row << 2));
  const slot = <usize>(cacheRow & (KvBlock.Rows - 1));
  const block = blockAt(blockAddresses(step, Operand.Blocks), cacheRow >> 5);
  const type: KvType = word(step, Operand.Type);
  const keys = block + address(step, Operand.LayerOffset) + headStride(type, headDim, valueDim) * head;
  const k = address(step, Operand.K) + address(step, Operand.KStride) * row + (<usize>(head * headDim) << 2);
  const table = rotationOf(address(step, Operand.Rotation), row, pairs);
  const interleaved = word(step, Operand.Interleaved) != 0;
  const rotated = address(step, Operand.Scratch) + address(step, Operand.ScratchPrivate) * privateIndex;
  rotate(k, table, pairs, interleaved, headDim, 1, rotated);
  storeKeys(type, rotated, headDim, keys, slot);
  const v = address(step, Operand.V) + address(step, Operand.VStride) * row + (<usize>(head * valueDim) << 2);
  storeValues(type, v, valueDim, keys + keyBytes(type, headDim), slot);
}
