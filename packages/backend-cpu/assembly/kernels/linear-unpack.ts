/** Unpacks a range of blocks of 8 output features for linear-tile.ts; the layout is in unpacked.ts. */
import { Constant, constant } from "../constants";
import { bytes, Dot } from "../dot";
import { PackedType } from "../opcodes";
import { hasMinimum, headerBytes, integerBytes, integersOffset, planeBytes, span } from "../packed";
import {
  blockMinimum,
  blockScale,
  even,
  halfMinimums,
  halfScales,
  halves,
  levelTable,
  lower,
  lowerNext,
  odd,
  upper,
  upperNext,
} from "./planes";
import { codeOffset, hasBytes, Kind, kindOf, Unpacked, unpackedBytes, upperFeatures } from "./unpacked";

/** `type` and `mode`, the one that `modeOf` gives, are literals. */
@inline
export function unpackRange(mode: Dot, type: PackedType, w: usize, blocks: i32, target: usize): void {
  const table = levelTable(mode, type);
  for (let b = 0; b < blocks; b += span(type)) {
    const header = w;
    let integers = w + integersOffset(type);
    w += headerBytes(type);
    for (let j = 0; j < span(type); j++) {
      for (let four: usize = 0; four < 2; four++) {
        const block = target + four * upperFeatures(kindOf(type));
        unpackCodes(mode, type, w + (four << 4), table, block);
        unpackScales(type, header + (four << 3), integers + (four << 2), block);
      }
      integers += integerBytes(type);
      w += planeBytes(type);
      target += unpackedBytes(kindOf(type));
    }
  }
}

@inline
function unpackCodes(mode: Dot, type: PackedType, w: usize, table: v128, target: usize): void {
  if (type == PackedType.Q8_0) {
    const signs = constant(Constant.SignBits);
    for (let e = 0; e < 8; e++) {
      spreadCodes(mode, type, bytes(mode, v128.load(w), signs), target);
      w += 32;
      target += 64;
    }
    return;
  }
  unpackSixteen(mode, type, lower(type, w, 0), upper(type, w, 0), lowerNextOf(type, w, 0), table, target);
  unpackSixteen(mode, type, lower(type, w, 1), upper(type, w, 1), lowerNextOf(type, w, 1), table, target + 256);
}

@inline
function lowerNextOf(type: PackedType, w: usize, p: usize): v128 {
  return lowerNext(type, w, p, lower(type, w, p));
}

/** Codes of 16 inputs from their planes: `q` and `q2` of lower bits, `h` of upper bits. */
@inline
function unpackSixteen(
  mode: Dot,
  type: PackedType,
  q: v128,
  h: v128,
  q2: v128,
  table: v128,
  target: usize,
): void {
  const h2 = upperNext(type, h);
  spreadCodes(mode, type, even(type, q, h, table), target);
  spreadCodes(mode, type, odd(type, q, h, table), target + 64);
  spreadCodes(mode, type, even(type, q2, h2, table), target + 128);
  spreadCodes(mode, type, odd(type, q2, h2, table), target + 192);
}

/** Four codes of four features, each feature's to a vector of its own. */
@inline
function spreadCodes(mode: Dot, type: PackedType, codes: v128, target: usize): void {
  if (mode != Dot.Madd) {
    spreadWords(codes, target);
    return;
  }
  const offset = i16x8.splat(<i16>codeOffset(type, mode));
  const low = hasBytes(type) ? i16x8.extend_low_i8x16_s(codes) : i16x8.extend_low_i8x16_u(codes);
  const high = hasBytes(type) ? i16x8.extend_high_i8x16_s(codes) : i16x8.extend_high_i8x16_u(codes);
  spreadPairs(i16x8.sub(low, offset), target);
  spreadPairs(i16x8.sub(high, offset), target + 32);
}

@inline
function spreadPairs(v: v128, target: usize): void {
  v128.store(target, v128.shuffle<i64>(v, v, 0, 0));
  v128.store(target, v128.shuffle<i64>(v, v, 1, 1), 16);
}

@inline
function spreadWords(v: v128, target: usize): void {
  v128.store(target, v128.shuffle<i32>(v, v, 0, 0, 0, 0));
  v128.store(target, v128.shuffle<i32>(v, v, 1, 1, 1, 1), 16);
  v128.store(target, v128.shuffle<i32>(v, v, 2, 2, 2, 2), 32);
  v128.store(target, v128.shuffle<i32>(v, v, 3, 3, 3, 3), 48);
}

/** `header` and `integers` are those of the four features. */
@inline
function unpackScales(type: PackedType, header: usize, integers: usize, target: usize): void {
  const kind = kindOf(type);
  spreadWords(blockScale(type, halves(header), integers), target + Unpacked.Scale);
  if (kind == Kind.Halves || kind == Kind.HalvesMinimum) {
    spreadWords(halfScales(type, integers, 0), target + Unpacked.FirstScale);
    spreadWords(halfScales(type, integers, 1), target + Unpacked.LastScale);
  }
  if (!hasMinimum(type)) return;
  const minimum = blockMinimum(type, halves(header + 16), integers);
  if (kind == Kind.HalvesMinimum) {
    spreadWords(minimum, target + Unpacked.HalvesMinimum);
    spreadWords(halfMinimums(integers, 0), target + Unpacked.FirstMinimum);
    spreadWords(halfMinimums(integers, 1), target + Unpacked.LastMinimum);
  } else {
    // The minimum of k types is subtracted, which is the same as adding its negative.
    const added = type == PackedType.Q4_1 || type == PackedType.Q5_1;
    spreadWords(added ? minimum : f32x4.neg(minimum), target + Unpacked.Minimum);
  }
}
