/**
 * Where the KV cache keeps its rows: in blocks of 32, which a state's table names (per block two words of 16-byte units:
 * the address of its first head, and of its positions, i32[32]). Eight blocks make a group: the positions of each, then
 * per layer and KV head the keys and values of each block, so that a sequence that goes on from block to block reads what
 * a head keeps of them in one run. Sums over a head or over rows need no horizontal additions.
 *
 * | type | keys | values |
 * |---|---|---|
 * | f32 | f32[headDim][32 rows] | f32[32 rows][valueDim rounded up to 4] |
 * | f16 | f16[headDim][32 rows] | f16[32 rows][valueDim rounded up to 8] |
 * | q8_0 | a tile per 32 of headDim | a tile per 32 of valueDim |
 *
 * A tile is 32 scales of the rows as f16, then the codes as i8: of keys [16 pairs of elements][32 rows][2], of values
 * [16 pairs of rows][32 elements][2]. Products take the pairs whole (attention-byte.ts). Where the engine has an 8-bit
 * dot product that takes them, codes lie in fours instead of pairs (attention-quads.ts): `codeShift`, `keyFlip`.
 */
import { address } from "./address";
import { Dot } from "./dot-mode";
import { KvBlock, KvType } from "./opcodes";

/** Codes lie in pairs (1) or in fours (2). */
export let codeShift: i32 = 1;
/** What codes of keys are XORed with: -128 makes them unsigned, 128 too large. */
export let keyFlip: i32 = 0;

/** Never in the plain build, which therefore carries nothing that takes fours. */
@inline
export function inFours(): bool {
  return ASC_FEATURE_RELAXED_SIMD && codeShift == 2;
}

/** Lays codes out as the products of a mode take them; before anything is stored. */
export function layCodes(dot: Dot): void {
  codeShift = dot >= Dot.Signed ? 2 : 1;
  keyFlip = dot == Dot.Unsigned ? -128 : 0;
}

/** The table of blocks of the state of this call. */
@inline
export function blockAddresses(step: usize, operand: i32): usize {
  return <usize>load<u32>(address(step, operand)) << 4;
}

/** The keys of the first head of a block's first layer; those of the next lie `headStride` further. */
@inline
export function blockAt(table: usize, block: i32): usize {
  return <usize>load<u32>(table + <usize>KvBlock.EntryBytes * block) << 4;
}

/** The positions of a block's rows, i32[32]. */
@inline
export function positionsAt(table: usize, block: i32): usize {
  return <usize>load<u32>(table + <usize>KvBlock.EntryBytes * block, 4) << 4;
}

/** Tiles of a head. */
@inline
export function tilesOf(headSize: i32): i32 {
  return (headSize + 31) >> 5;
}

/** Columns of a value row, padding included. */
export function valueColumns(type: KvType, valueDim: i32): i32 {
  if (type == KvType.F32) return (valueDim + 3) & ~3;
  if (type == KvType.F16) return (valueDim + 7) & ~7;
  return tilesOf(valueDim) << 5;
}

/** Place of a row's first element among a tile's codes of values. */
@inline
export function valueCode(slot: usize): usize {
  return ((slot >> codeShift) << (5 + codeShift)) + (slot & ((1 << codeShift) - 1));
}

export function keyBytes(type: KvType, headDim: i32): usize {
  if (type == KvType.Q8_0) return <usize>tilesOf(headDim) * KvBlock.TileBytes;
  return type == KvType.F32 ? <usize>headDim << 7 : <usize>headDim << 6;
}

export function valueBytes(type: KvType, valueDim: i32): usize {
  if (type == KvType.Q8_0) return <usize>tilesOf(valueDim) * KvBlock.TileBytes;
  return <usize>valueColumns(type, valueDim) << (type == KvType.F32 ? 7 : 6);
}

/** Bytes of keys and values of one head of one layer in a block. */
export function headBytes(type: KvType, headDim: i32, valueDim: i32): usize {
  return keyBytes(type, headDim) + valueBytes(type, valueDim);
}

/** Bytes from a head of a block to the next. */
export function headStride(type: KvType, headDim: i32, valueDim: i32): usize {
  return headBytes(type, headDim, valueDim) * KvBlock.GroupBlocks;
}
