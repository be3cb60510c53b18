/**
 * Packs one row of the types whose codes are split into planes (docs/packed-layouts.md); what files hold is described in
 * core's src/quant/<type>.ts. A word is the codes of 4 inputs, a byte each.
 */
import { PackedType } from "../opcodes";
import { hasFifthBits, hasMinimum, hasNibbles, headerBytes, isSuper, planeBytes, upperBytes } from "../packed";

/** Bytes of a block in the file. */
@inline
export function rawBlockBytes(type: PackedType): usize {
  if (type == PackedType.Q4_K) return 144;
  if (type == PackedType.Q5_K) return 176;
  if (type == PackedType.Q6_K) return 210;
  if (type == PackedType.Q5_0) return 22;
  if (type == PackedType.Q5_1) return 24;
  if (type == PackedType.IQ4_NL) return 18;
  if (type == PackedType.IQ4_XS) return 136;
  return type == PackedType.Q3_K ? 110 : 84;
}

@inline
export function packRowPlanes(type: PackedType, raw: usize, blocks: i32, lane: i32, packed: usize): void {
  const span = isSuper(type) ? 8 : 1;
  for (let b = 0; b < blocks; b += span) {
    packHeader(type, raw, lane, packed);
    packed += headerBytes(type);
    for (let j = 0; j < span; j++) {
      packPlanes(type, raw, j, packed + (<usize>lane << 2));
      packed += planeBytes(type);
    }
    raw += rawBlockBytes(type);
  }
}

/** Where a file's block has its f16 scale; the minimum follows. */
@inline
function scaleOffset(type: PackedType): usize {
  return type == PackedType.Q6_K ? 208 : type == PackedType.Q3_K ? 108 : type == PackedType.Q2_K ? 80 : 0;
}

@inline
function packHeader(type: PackedType, raw: usize, lane: i32, packed: usize): void {
  const scale = raw + scaleOffset(type);
  const target = packed + (<usize>lane << 1);
  store<u16>(target, load<u16>(scale));
  if (hasMinimum(type)) store<u16>(target, load<u16>(scale, 2), 16);
  const integers = packed + (hasMinimum(type) ? 32 : 16) + lane;
  if (type == PackedType.Q4_K || type == PackedType.Q5_K) packKScales(raw + 4, integers);
  if (type == PackedType.Q6_K) packBytes(raw + 192, integers);
  if (type == PackedType.Q2_K) packBytes(raw, integers);
  if (type == PackedType.Q3_K) packScales3(raw + 96, integers);
  if (type == PackedType.IQ4_XS) packScalesIQ4(raw, integers);
}

@inline
function packBytes(source: usize, target: usize): void {
  for (let j: usize = 0; j < 16; j++) store<u8>(target + (j << 3), load<u8>(source + j));
}

/** 6-bit scales and minimums of q4_k and q5_k (core's src/quant/k-bits.ts). */
@inline
function packKScales(source: usize, target: usize): void {
  for (let j: usize = 0; j < 4; j++) {
    const scale = <u32>load<u8>(source + j);
    const minimum = <u32>load<u8>(source + j, 4);
    const low = <u32>load<u8>(source + j, 8);
    const at = target + (j << 4);
    store<u8>(at, scale & 63);
    store<u8>(at, minimum & 63, 8);
    store<u8>(at, (low & 15) | ((scale >> 6) << 4), 64);
    store<u8>(at, (low >> 4) | ((minimum >> 6) << 4), 72);
  }
}

@inline
function packScales3(source: usize, target: usize): void {
  for (let j: usize = 0; j < 16; j++) {
    const low = (<i32>load<u8>(source + (j & 7)) >> (<i32>(j >> 3) << 2)) & 15;
    const high = (<i32>load<u8>(source + (j & 3), 8) >> (<i32>(j >> 2) << 1)) & 3;
    store<i8>(target + (j << 3), (low | (high << 4)) - 32);
  }
}

@inline
function packScalesIQ4(source: usize, target: usize): void {
  const upper = <i32>load<u16>(source, 2);
  for (let j: usize = 0; j < 8; j++) {
    const low = (<i32>load<u8>(source + (j >> 1), 4) >> (<i32>(j & 1) << 2)) & 15;
    const high = (upper >> (<i32>j << 1)) & 3;
    store<i8>(target + (j << 3), (low | (high << 4)) - 32);
  }
}

/** The planes of 32 inputs; `target` is where the lane's bytes begin. */
@inline
function packPlanes(type: PackedType, raw: usize, j: i32, target: usize): void {
  const lower = target + upperBytes(type);
  let bits: u32 = 0;
  for (let p = 0; p < 2; p++) {
    const c0 = word(type, raw, j, (p << 2) + 0);
    const c1 = word(type, raw, j, (p << 2) + 1);
    const c2 = word(type, raw, j, (p << 2) + 2);
    const c3 = word(type, raw, j, (p << 2) + 3);
    if (hasNibbles(type)) {
      store<u32>(lower + (<usize>p << 6), (c0 & 0x0f0f0f0f) | ((c1 & 0x0f0f0f0f) << 4));
      store<u32>(lower + (<usize>p << 6), (c2 & 0x0f0f0f0f) | ((c3 & 0x0f0f0f0f) << 4), 32);
    } else {
      const pairs = bitsOf(c0, 0, 3) | (bitsOf(c1, 0, 3) << 2) | (bitsOf(c2, 0, 3) << 4) | (bitsOf(c3, 0, 3) << 6);
      store<u32>(lower + (<usize>p << 5), pairs);
    }
    if (type == PackedType.Q6_K) {
      const pairs = bitsOf(c0, 4, 3) | (bitsOf(c1, 4, 3) << 4) | (bitsOf(c2, 4, 3) << 2) | (bitsOf(c3, 4, 3) << 6);
      store<u32>(target + (<usize>p << 5), pairs);
    }
    if (hasFifthBits(type)) {
      const even = bitsOf(c0, 4, 1) | (bitsOf(c2, 4, 1) << 1);
      const odd = bitsOf(c1, 4, 1) | (bitsOf(c3, 4, 1) << 1);
      bits |= (even | (odd << 4)) << (p << 1);
    }
    if (type == PackedType.Q3_K) {
      const four = bitsOf(c0, 2, 1) | (bitsOf(c1, 2, 1) << 1) | (bitsOf(c2, 2, 1) << 2) | (bitsOf(c3, 2, 1) << 3);
      bits |= four << (p << 2);
    }
  }
  if (hasFifthBits(type) || type == PackedType.Q3_K) store<u32>(target, bits);
}

/** Of every byte of `c`, the bits from `first` on under `mask`. */
@inline
function bitsOf(c: u32, first: u32, mask: u32): u32 {
  return (c >> first) & (mask * 0x01010101);
}

/** Codes of inputs 32j + 4e .. 32j + 4e + 3 of a file's block. */
@inline
function word(type: PackedType, raw: usize, j: i32, e: i32): u32 {
  const within = <usize>e << 2;
  if (type == PackedType.Q4_K) return kNibbles(raw + 16, j, within);
  if (type == PackedType.Q5_K) {
    return kNibbles(raw + 48, j, within) | (bitsOf(load<u32>(raw + within, 16), j, 1) << 4);
  }
  if (type == PackedType.Q5_0) return halfNibbles(raw + 6, e) | spread(load<u32>(raw, 2) >> <u32>within);
  if (type == PackedType.Q5_1) return halfNibbles(raw + 8, e) | spread(load<u32>(raw, 4) >> <u32>within);
  if (type == PackedType.IQ4_NL) return halfNibbles(raw + 2, e);
  if (type == PackedType.IQ4_XS) return halfNibbles(raw + 8 + (<usize>j << 4), e);
  const quarter = j & 3;
  const half = <usize>(j >> 2);
  if (type == PackedType.Q6_K) {
    const low = load<u32>(raw + (half << 6) + (<usize>(quarter & 1) << 5) + within);
    const high = load<u32>(raw + 128 + (half << 5) + within);
    return bitsOf(low, (quarter >> 1) << 2, 15) | (bitsOf(high, quarter << 1, 3) << 4);
  }
  if (type == PackedType.Q2_K) return bitsOf(load<u32>(raw + 16 + (half << 5) + within), quarter << 1, 3);
  const low = bitsOf(load<u32>(raw + 32 + (half << 5) + within), quarter << 1, 3);
  return low | (bitsOf(load<u32>(raw + within), j, 1) << 2);
}

/** Bytes that hold a sub-block of 32 in their low nibbles and the next one in their high nibbles. */
@inline
function kNibbles(quants: usize, j: i32, within: usize): u32 {
  return bitsOf(load<u32>(quants + (<usize>(j >> 1) << 5) + within), (j & 1) << 2, 15);
}

/** Bytes that hold inputs 0..15 in their low nibbles and 16..31 in their high nibbles. */
@inline
function halfNibbles(quants: usize, e: i32): u32 {
  return bitsOf(load<u32>(quants + (<usize>(e & 3) << 2)), e & 4, 15);
}

/** The low four bits, one to bit 4 of each byte. */
@inline
function spread(bits: u32): u32 {
  return (((bits & 15) * 0x00204081) & 0x01010101) << 4;
}
