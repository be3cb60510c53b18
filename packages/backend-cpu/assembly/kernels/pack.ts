/**
 * pack_<type>: rows of a weight as files hold them (GGML's block formats) to groups of 8 rows as `linear` reads them.
 * Shared by groups. Rows that are missing from the last group become zero.
 */
import { address, word } from "../address";
import { PackedType, PackOperand as Operand } from "../opcodes";
import { isPlanes, isSuper, packedGroupBytes } from "../packed";
import { shareEnd, shareStart } from "../partition";
import { packRowPlanes, rawBlockBytes } from "./pack-planes";

export function pack(type: PackedType, step: usize, thread: i32, threads: i32): void {
  const rows = word(step, Operand.Rows);
  const width = word(step, Operand.Width);
  const groups = (rows + 7) >> 3;
  const groupBytes = packedGroupBytes(type, width);
  const rowBytes = rawRowBytes(type, width);
  for (let group = shareStart(groups, thread, threads); group < shareEnd(groups, thread, threads); group++) {
    const packed = address(step, Operand.Packed) + groupBytes * group;
    const raw = address(step, Operand.Raw) + (rowBytes * group << 3);
    const present = min(8, rows - (group << 3));
    if (present < 8) memory.fill(packed, 0, groupBytes);
    for (let lane = 0; lane < present; lane++) packRow(type, raw + rowBytes * lane, width, lane, packed);
  }
}

function rawRowBytes(type: PackedType, width: i32): usize {
  if (isPlanes(type)) return <usize>(width >> (isSuper(type) ? 8 : 5)) * rawBlockBytes(type);
  if (type == PackedType.Q4_0) return <usize>(width >> 5) * 18;
  if (type == PackedType.Q4_1) return <usize>(width >> 5) * 20;
  if (type == PackedType.Q8_0) return <usize>(width >> 5) * 34;
  return <usize>width << (type == PackedType.F32 ? 2 : 1);
}

/** For each type its own code. */
function packRowOfPlanes(type: PackedType, raw: usize, blocks: i32, lane: i32, packed: usize): void {
  if (type == PackedType.Q4_K) packRowPlanes(PackedType.Q4_K, raw, blocks, lane, packed);
  else if (type == PackedType.Q5_K) packRowPlanes(PackedType.Q5_K, raw, blocks, lane, packed);
  else if (type == PackedType.Q6_K) packRowPlanes(PackedType.Q6_K, raw, blocks, lane, packed);
  else if (type == PackedType.Q5_0) packRowPlanes(PackedType.Q5_0, raw, blocks, lane, packed);
  else if (type == PackedType.Q5_1) packRowPlanes(PackedType.Q5_1, raw, blocks, lane, packed);
  else if (type == PackedType.IQ4_NL) packRowPlanes(PackedType.IQ4_NL, raw, blocks, lane, packed);
  else if (type == PackedType.IQ4_XS) packRowPlanes(PackedType.IQ4_XS, raw, blocks, lane, packed);
  else if (type == PackedType.Q3_K) packRowPlanes(PackedType.Q3_K, raw, blocks, lane, packed);
  else packRowPlanes(PackedType.Q2_K, raw, blocks, lane, packed);
}

function packRow(type: PackedType, raw: usize, width: i32, lane: i32, packed: usize): void {
  if (type == PackedType.F32) packRow32(raw, width, packed + (<usize>lane << 2));
  else if (isPlanes(type)) packRowOfPlanes(type, raw, width >> 5, lane, packed);
  else if (type >= PackedType.F16) packRow16(raw, width, packed + (<usize>lane << 1));
  else if (type == PackedType.Q8_0) packRowQ8(raw, width >> 5, lane, packed);
  else packRowQ4(type == PackedType.Q4_1, raw, width >> 5, lane, packed);
}

function packRow32(raw: usize, width: i32, packed: usize): void {
  for (let k = 0; k < width; k++) {
    store<u32>(packed, load<u32>(raw));
    raw += 4;
    packed += 32;
  }
}

function packRow16(raw: usize, width: i32, packed: usize): void {
  for (let k = 0; k < width; k++) {
    store<u16>(packed, load<u16>(raw));
    raw += 2;
    packed += 16;
  }
}

function packRowQ8(raw: usize, blocks: i32, lane: i32, packed: usize): void {
  for (let b = 0; b < blocks; b++) {
    store<u16>(packed + (<usize>lane << 1), load<u16>(raw));
    const target = packed + 16 + (<usize>lane << 2);
    for (let j: usize = 0; j < 8; j++) store<u32>(target + (j << 5), load<u32>(raw + (j << 2), 2));
    raw += 34;
    packed += 272;
  }
}

/** A file's block holds elements 0..15 in the low and 16..31 in the high nibbles of 16 bytes. */
function packRowQ4(affine: bool, raw: usize, blocks: i32, lane: i32, packed: usize): void {
  for (let b = 0; b < blocks; b++) {
    const scale = packed + (<usize>lane << 1);
    store<u16>(scale, load<u16>(raw));
    if (affine) store<u16>(scale, load<u16>(raw, 2), 16);
    const source = raw + (affine ? 4 : 2);
    const target = packed + (affine ? 32 : 16) + (<usize>lane << 2);
    packNibbles(source, target);
    packNibbles(source + 8, target + 32);
    raw += affine ? 20 : 18;
    packed += affine ? 160 : 144;
  }
}

/** Eight bytes of a file's block to one word of vector j and one of vector j + 2. */
@inline
function packNibbles(source: usize, target: usize): void {
  const a = load<u32>(source);
  const b = load<u32>(source, 4);
  store<u32>(target, (a & 0x0f0f0f0f) | ((b & 0x0f0f0f0f) << 4));
  store<u32>(target, ((a >> 4) & 0x0f0f0f0f) | (b & 0xf0f0f0f0), 64);
}
