/**
 * One row of one head between f32 side by side and its places in the cache, rounded as core's backend/round-kv.ts says.
 * `base` is where the head's keys or values of the row's block begin, `slot` the row within the block.
 */
import { half, toHalf } from "../half";
import { codeShift, keyFlip, valueCode, valueColumns } from "../kv";
import { KvBlock, KvType } from "../opcodes";

export function storeKeys(type: KvType, x: usize, headDim: i32, base: usize, slot: usize): void {
  if (type == KvType.Q8_0) storeTiles(x, headDim, base, slot, slot << codeShift, 32 << codeShift, 1, keyFlip);
  else if (type == KvType.F16) storeHalves(x, headDim, base + (slot << 1), 64);
  else for (let d: usize = 0; d < <usize>headDim; d++) copyWord(x + (d << 2), base + (d << 7) + (slot << 2));
}

export function storeValues(type: KvType, x: usize, valueDim: i32, base: usize, slot: usize): void {
  const columns = <usize>valueColumns(type, valueDim);
  if (type == KvType.Q8_0) storeTiles(x, valueDim, base, slot, valueCode(slot), 1 << (2 * codeShift), 1 << codeShift, 0);
  else if (type == KvType.F16) storeHalves(x, valueDim, base + ((columns * slot) << 1), 2);
  else memory.copy(base + ((columns * slot) << 2), x, <usize>valueDim << 2);
}

export function loadKeys(type: KvType, base: usize, slot: usize, headDim: i32, y: usize): void {
  if (type == KvType.Q8_0) loadTiles(base, slot, slot << codeShift, 32 << codeShift, 1, keyFlip, headDim, y);
  else if (type == KvType.F16) loadHalves(base + (slot << 1), 64, headDim, y);
  else for (let d: usize = 0; d < <usize>headDim; d++) copyWord(base + (d << 7) + (slot << 2), y + (d << 2));
}

export function loadValues(type: KvType, base: usize, slot: usize, valueDim: i32, y: usize): void {
  const columns = <usize>valueColumns(type, valueDim);
  if (type == KvType.Q8_0) loadTiles(base, slot, valueCode(slot), 1 << (2 * codeShift), 1 << codeShift, 0, valueDim, y);
  else if (type == KvType.F16) loadHalves(base + ((columns * slot) << 1), 2, valueDim, y);
  else memory.copy(y, base + ((columns * slot) << 2), <usize>valueDim << 2);
}

@inline
function copyWord(from: usize, to: usize): void {
  store<u32>(to, load<u32>(from));
}

/** @param stride bytes between the elements in the cache */
function storeHalves(x: usize, count: i32, to: usize, stride: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) store<u16>(to + stride * i, toHalf(load<f32>(x + (i << 2))));
}

function loadHalves(from: usize, stride: usize, count: i32, y: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) store<f32>(y + (i << 2), half(from + stride * i));
}

/**
 * @param first place of element 0 among a tile's codes
 * @param runStride bytes between runs of two or four elements
 * @param stride bytes between elements of a run
 * @param flip what codes are XORed with
 */
function storeTiles(
  x: usize,
  count: i32,
  base: usize,
  slot: usize,
  first: usize,
  runStride: usize,
  stride: usize,
  flip: i32,
): void {
  const within = (1 << codeShift) - 1;
  for (let start = 0; start < count; start += 32) {
    const elements = min(32, count - start);
    const from = x + (<usize>start << 2);
    store<u16>(base + (slot << 1), toHalf(max<f32>(largest(from, elements) / 127, 6.103515625e-5)));
    const inverse: f32 = 1 / half(base + (slot << 1));
    const codes = base + 64 + first;
    for (let i: usize = 0; i < <usize>elements; i++) {
      const code = nearest<f32>(bounded(load<f32>(from + (i << 2)) * inverse, 127));
      store<i8>(codes + runStride * (i >> codeShift) + stride * (i & within), <i8>(<i32>code ^ flip));
    }
    base += KvBlock.TileBytes;
  }
}

function loadTiles(
  base: usize,
  slot: usize,
  first: usize,
  runStride: usize,
  stride: usize,
  flip: i32,
  count: i32,
  y: usize,
): void {
  const within = (1 << codeShift) - 1;
  for (let d: usize = 0; d < <usize>count; d++) {
    const tile = base + <usize>KvBlock.TileBytes * (d >> 5);
    const i = d & 31;
    const code = load<i8>(tile + 64 + first + runStride * (i >> codeShift) + stride * (i & within));
    store<f32>(y + (d << 2), half(tile + (slot << 1)) * <f32>(<i8>(code ^ flip)));
  }
}

/** The largest magnitude; NaN does not count. */
function largest(x: usize, count: i32): f32 {
  let most: f32 = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const magnitude = abs(load<f32>(x + (i << 2)));
    most = most < magnitude ? magnitude : most;
  }
  return most;
}

/** Within -most .. most; NaN becomes `most`. */
@inline
function bounded(x: f32, most: f32): f32 {
  const below = x < most ? x : most;
  return below > -most ? below : -most;
}
