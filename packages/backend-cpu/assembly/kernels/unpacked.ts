/**
 * Unpacked weights: what products of many rows read, written once per range of inputs by linear-unpack.ts and read for
 * every four or eight rows. First come the blocks of the lower four output features, then those of the upper four. A
 * block of 32 inputs holds, for each of its four features f:
 *   codes: for each 4 inputs e a vector at 64 e + 16 f, the 4 codes repeated in every 32-bit lane (Dot.Madd: as i16,
 *          less their offset, twice), so that a vector of four rows' activations is multiplied by it as it is;
 *   then vectors with one value in every lane: see Unpacked.
 */
import { Dot } from "../dot-mode";
import { PackedType } from "../opcodes";
import { hasHalves, hasLevels, hasMinimum } from "../packed";

/** How integer sums become a result; `sum`s are exact integers. */
export enum Kind {
  /** scale * sum */
  Plain = 0,
  /** scale * sum + minimum * sum of activations */
  Minimum = 1,
  /** scale * (integer scale * sum of 16 + integer scale * sum of 16) */
  Halves = 2,
  /** The same less minimum * (integer minimum * sum of 16 activations + integer minimum * sum of 16 activations) */
  HalvesMinimum = 3,
}

/** Where a block has its vectors; feature f's is 16 f after the first. */
export enum Unpacked {
  Scale = 512,
  /** f32, Kind.Minimum. */
  Minimum = 576,
  /** i32, kinds of halves: the integer scales of the first and the last 16 inputs. */
  FirstScale = 576,
  LastScale = 640,
  /** f32, then i32, Kind.HalvesMinimum. */
  HalvesMinimum = 704,
  FirstMinimum = 768,
  LastMinimum = 832,
}

/** Blocks in a range: their weights stay in the first-level cache while all rows pass. */
export const RANGE_BLOCKS: i32 = 16;

/** What tiles keep in memory. */
export enum TileWork {
  /** i32 in every lane: minus the offset of the codes; before it, integer sums of a block's first half. */
  Bias = 128,
}

@inline
export function kindOf(type: PackedType): Kind {
  if (hasHalves(type)) return hasMinimum(type) ? Kind.HalvesMinimum : Kind.Halves;
  return hasMinimum(type) ? Kind.Minimum : Kind.Plain;
}

/** Bytes of a block of four features. */
@inline
export function unpackedBytes(kind: Kind): usize {
  if (kind == Kind.Plain) return 576;
  if (kind == Kind.Minimum) return 640;
  return kind == Kind.Halves ? 704 : 896;
}

/** Bytes from the blocks of the lower four features to those of the upper four. */
@inline
export function upperFeatures(kind: Kind): usize {
  return unpackedBytes(kind) * <usize>RANGE_BLOCKS;
}

/** Whether codes need all 8 bits, which not every relaxed dot product has room for. */
@inline
export function hasBytes(type: PackedType): bool {
  return type == PackedType.Q8_0 || hasLevels(type);
}

/** The mode that multiplies the unpacked codes of a type. */
@inline
export function modeOf(type: PackedType, mode: Dot): Dot {
  if (mode == Dot.Madd) return Dot.Madd;
  if (hasBytes(type)) return mode == Dot.Sixteen ? Dot.Madd : mode;
  if (mode == Dot.Sixteen && (type == PackedType.Q4_0 || type == PackedType.Q4_1 || type == PackedType.Q4_K)) {
    return Dot.Sixteen;
  }
  return Dot.Signed;
}

/** What is to be subtracted from the unpacked codes. */
@inline
export function codeOffset(type: PackedType, mode: Dot): i32 {
  if (hasBytes(type)) return mode == Dot.Unsigned ? 128 : 0;
  if (type == PackedType.Q4_0) return 8;
  if (type == PackedType.Q5_0) return 16;
  if (type == PackedType.Q6_K) return 32;
  return type == PackedType.Q3_K ? 4 : 0;
}
