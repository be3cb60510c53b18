/**
 * kv_copy, kv_read, kv_store: rows of all layers between places of the cache, or between the cache and a buffer in
 * canonical order: positions i32[rows], keys f32[layers, rows, kvHeads, headDim], values f32[layers, rows, kvHeads,
 * valueDim]. Shared by (layer, KV head).
 */
import { address, word } from "../address";
import { blockAddresses, blockAt, headBytes, keyBytes, paddedValueDim } from "../kv";
import { KvBlock, KvRowsOperand as Operand, Opcode } from "../opcodes";
import { shareEnd, shareStart } from "../partition";

export function kvRows(opcode: Opcode, step: usize, thread: i32, threads: i32): void {
  const rows = word(step, Operand.Count);
  const heads = word(step, Operand.KvHeads);
  const units = word(step, Operand.Layers) * heads;
  if (thread == 0) movePositions(opcode, step, rows);
  for (let unit = shareStart(units, thread, threads); unit < shareEnd(units, thread, threads); unit++) {
    for (let i = 0; i < rows; i++) {
      const row = opcode == Opcode.KvCopy ? ordered(step, i, rows) : i;
      if (opcode == Opcode.KvCopy) copyHead(step, unit, row);
      else moveHead(opcode, step, unit, row, rows);
    }
  }
}

/** Copies run backwards where source and target overlap that way. */
function ordered(step: usize, i: i32, rows: i32): i32 {
  return word(step, Operand.FromRow) < word(step, Operand.ToRow) ? rows - 1 - i : i;
}

function movePositions(opcode: Opcode, step: usize, rows: i32): void {
  const table = blockAddresses(step, Operand.Blocks);
  const buffer = address(step, Operand.Buffer);
  for (let i = 0; i < rows; i++) {
    const place = buffer + (<usize>i << 2);
    if (opcode == Opcode.KvCopy) {
      const row = ordered(step, i, rows);
      const from = positionOf(table, word(step, Operand.FromRow) + row);
      store<i32>(positionOf(table, word(step, Operand.ToRow) + row), load<i32>(from));
    } else if (opcode == Opcode.KvRead) {
      store<i32>(place, load<i32>(positionOf(table, word(step, Operand.FromRow) + i)));
    } else {
      store<i32>(positionOf(table, word(step, Operand.FromRow) + i), load<i32>(place));
    }
  }
}

@inline
function positionOf(table: usize, row: i32): usize {
  return blockAt(table, row >> 5) + (<usize>(row & (KvBlock.Rows - 1)) << 2);
}

/** First byte of the keys of (layer, head) in the block of a row. */
@inline
function headOf(step: usize, unit: i32, row: i32): usize {
  const size = headBytes(word(step, Operand.HeadDim), word(step, Operand.ValueDim));
  return blockAt(blockAddresses(step, Operand.Blocks), row >> 5) + KvBlock.PositionBytes + size * unit;
}

function copyHead(step: usize, unit: i32, i: i32): void {
  const headDim = word(step, Operand.HeadDim);
  const rowBytes = <usize>paddedValueDim(word(step, Operand.ValueDim)) << 2;
  const from = word(step, Operand.FromRow) + i;
  const to = word(step, Operand.ToRow) + i;
  const source = headOf(step, unit, from);
  const target = headOf(step, unit, to);
  const sourceSlot = <usize>(from & (KvBlock.Rows - 1));
  const targetSlot = <usize>(to & (KvBlock.Rows - 1));
  for (let d: usize = 0; d < <usize>headDim; d++) {
    store<f32>(target + (d << 7) + (targetSlot << 2), load<f32>(source + (d << 7) + (sourceSlot << 2)));
  }
  const values = keyBytes(headDim);
  memory.copy(target + values + rowBytes * targetSlot, source + values + rowBytes * sourceSlot, rowBytes);
}

function moveHead(opcode: Opcode, step: usize, unit: i32, i: i32, rows: i32): void {
  const heads = word(step, Operand.KvHeads);
  const headDim = word(step, Operand.HeadDim);
  const valueDim = word(step, Operand.ValueDim);
  const layers = word(step, Operand.Layers);
  const row = word(step, Operand.FromRow) + i;
  const slot = <usize>(row & (KvBlock.Rows - 1));
  const place = <usize>(((unit / heads) * rows + i) * heads + (unit % heads));
  const buffer = address(step, Operand.Buffer) + (<usize>rows << 2);
  const keys = headOf(step, unit, row) + (slot << 2);
  const keyBuffer = buffer + (place * headDim << 2);
  for (let d: usize = 0; d < <usize>headDim; d++) {
    if (opcode == Opcode.KvRead) store<f32>(keyBuffer + (d << 2), load<f32>(keys + (d << 7)));
    else store<f32>(keys + (d << 7), load<f32>(keyBuffer + (d << 2)));
  }
  const values = headOf(step, unit, row) + keyBytes(headDim) + (<usize>paddedValueDim(valueDim) << 2) * slot;
  const valueBuffer = buffer + (<usize>(layers * rows * heads * headDim) << 2) + (place * valueDim << 2);
  if (opcode == Opcode.KvRead) memory.copy(valueBuffer, values, <usize>valueDim << 2);
  else memory.copy(values, valueBuffer, <usize>valueDim << 2);
}
