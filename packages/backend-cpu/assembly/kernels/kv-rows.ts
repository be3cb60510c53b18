/**
 * kv_copy, kv_read, kv_store: rows of all layers between places of the cache, or between the cache and a buffer in
 * canonical order: positions i32[rows], keys f32[layers, rows, kvHeads, headDim], values f32[layers, rows, kvHeads,
 * valueDim]. Shared by (layer, KV head).
 */
import { address, word } from "../address";
import {
  blockAddresses,
  blockAt,
  codeShift,
  headStride,
  keyBytes,
  positionsAt,
  tilesOf,
  valueCode,
  valueColumns,
} from "../kv";
import { KvBlock, KvType, KvRowsOperand as Operand, Opcode } from "../opcodes";
import { shareEnd, shareStart } from "../partition";
import { loadKeys, loadValues, storeKeys, storeValues } from "./kv-elements";

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
  return positionsAt(table, row >> 5) + (<usize>(row & (KvBlock.Rows - 1)) << 2);
}

/** First byte of the keys of (layer, head) in the block of a row. */
@inline
function headOf(step: usize, unit: i32, row: i32): usize {
  const stride = headStride(word(step, Operand.Type), word(step, Operand.HeadDim), word(step, Operand.ValueDim));
  return blockAt(blockAddresses(step, Operand.Blocks), row >> 5) + stride * unit;
}

/** Copies bytes as they are: rounding again could only lose. */
function copyHead(step: usize, unit: i32, i: i32): void {
  const type: KvType = word(step, Operand.Type);
  const headDim = word(step, Operand.HeadDim);
  const valueDim = word(step, Operand.ValueDim);
  const from = word(step, Operand.FromRow) + i;
  const to = word(step, Operand.ToRow) + i;
  const source = headOf(step, unit, from);
  const target = headOf(step, unit, to);
  const a = <usize>(from & (KvBlock.Rows - 1));
  const b = <usize>(to & (KvBlock.Rows - 1));
  const values = keyBytes(type, headDim);
  if (type == KvType.Q8_0) {
    copyTiles(source, a, target, b, tilesOf(headDim), true);
    copyTiles(source + values, a, target + values, b, tilesOf(valueDim), false);
    return;
  }
  const size: usize = type == KvType.F32 ? 4 : 2;
  copySpaced(source + size * a, target + size * b, headDim, size << 5, size);
  const rowBytes = <usize>valueColumns(type, valueDim) * size;
  memory.copy(target + values + rowBytes * b, source + values + rowBytes * a, rowBytes);
}

/** Row `a` of tiles to row `b` of others: keys have a row's codes in runs, values next to those of its neighbour. */
function copyTiles(from: usize, a: usize, to: usize, b: usize, tiles: i32, keys: bool): void {
  const run: usize = 1 << codeShift;
  for (let tile = 0; tile < tiles; tile++) {
    store<u16>(to + (b << 1), load<u16>(from + (a << 1)));
    if (keys) copySpaced(from + 64 + (a << codeShift), to + 64 + (b << codeShift), 32 >> codeShift, 32 << codeShift, run);
    else copySpaced(from + 64 + valueCode(a), to + 64 + valueCode(b), 32, run, 1);
    from += KvBlock.TileBytes;
    to += KvBlock.TileBytes;
  }
}

/** `count` pieces of `size` bytes that lie `stride` apart. */
function copySpaced(from: usize, to: usize, count: i32, stride: usize, size: usize): void {
  for (let i = 0; i < count; i++) memory.copy(to + stride * i, from + stride * i, size);
}

function moveHead(opcode: Opcode, step: usize, unit: i32, i: i32, rows: i32): void {
  const type: KvType = word(step, Operand.Type);
  const heads = word(step, Operand.KvHeads);
  const headDim = word(step, Operand.HeadDim);
  const valueDim = word(step, Operand.ValueDim);
  const row = word(step, Operand.FromRow) + i;
  const slot = <usize>(row & (KvBlock.Rows - 1));
  const place = <usize>(((unit / heads) * rows + i) * heads + (unit % heads));
  const keys = headOf(step, unit, row);
  const values = keys + keyBytes(type, headDim);
  const keyBuffer = address(step, Operand.Buffer) + (<usize>rows << 2);
  const valueBuffer = keyBuffer + (<usize>(word(step, Operand.Layers) * rows * heads * headDim) << 2);
  const key = keyBuffer + ((place * headDim) << 2);
  const value = valueBuffer + ((place * valueDim) << 2);
  if (opcode == Opcode.KvRead) {
    loadKeys(type, keys, slot, headDim, key);
    loadValues(type, values, slot, valueDim, value);
  } else {
    storeKeys(type, key, headDim, keys, slot);
    storeValues(type, value, valueDim, values, slot);
  }
}
