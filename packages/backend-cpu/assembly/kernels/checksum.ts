/**
 * checksum: 64 bits for each block of memory, to notice damage (not malice). Words of 32 bits, 32 lanes wide: per lane
 * `sum = sum * FACTOR + word` from 1 on, then the lanes are folded in order. Factors are odd, so that every step can be
 * undone: one changed word always changes the result. Shared by blocks, in turns, so that threads walk a file together.
 */
import { address, word } from "../address";
import { ChecksumOperand as Operand } from "../opcodes";
import { aborted } from "../shares";

/** 2^32 and 2^64 divided by the golden ratio, odd: Knuth's multiplicative hashing. */
const FACTOR: i32 = 0x9e3779b1;
const FOLD_FACTOR: u64 = 0x9e3779b97f4a7c15;
const STRIPE_BYTES: usize = 128;

export function checksum(step: usize, thread: i32, threads: i32): void {
  const blocks = word(step, Operand.Blocks);
  const blockBytes = address(step, Operand.BlockUnits);
  for (let block = thread; block < blocks; block += threads) {
    if (aborted()) return;
    const bytes = block + 1 < blocks ? blockBytes : address(step, Operand.LastUnits);
    const sum = blockSum(address(step, Operand.Data) + blockBytes * <usize>block, bytes);
    store<u64>(address(step, Operand.Sums) + (<usize>block << 3), sum);
  }
}

function blockSum(data: usize, bytes: usize): u64 {
  const factor = i32x4.splat(FACTOR);
  let a = i32x4.splat(1);
  let b = a;
  let c = a;
  let d = a;
  let e = a;
  let f = a;
  let g = a;
  let h = a;
  for (const end = data + bytes; data < end; data += STRIPE_BYTES) {
    a = i32x4.add(i32x4.mul(a, factor), v128.load(data, 0));
    b = i32x4.add(i32x4.mul(b, factor), v128.load(data, 16));
    c = i32x4.add(i32x4.mul(c, factor), v128.load(data, 32));
    d = i32x4.add(i32x4.mul(d, factor), v128.load(data, 48));
    e = i32x4.add(i32x4.mul(e, factor), v128.load(data, 64));
    f = i32x4.add(i32x4.mul(f, factor), v128.load(data, 80));
    g = i32x4.add(i32x4.mul(g, factor), v128.load(data, 96));
    h = i32x4.add(i32x4.mul(h, factor), v128.load(data, 112));
  }
  return fold(h, fold(g, fold(f, fold(e, fold(d, fold(c, fold(b, fold(a, 0))))))));
}

@inline
function fold(lanes: v128, sum: u64): u64 {
  sum = mix(sum, i32x4.extract_lane(lanes, 0));
  sum = mix(sum, i32x4.extract_lane(lanes, 1));
  sum = mix(sum, i32x4.extract_lane(lanes, 2));
  return mix(sum, i32x4.extract_lane(lanes, 3));
}

@inline
function mix(sum: u64, lane: i32): u64 {
  const mixed = (sum ^ <u64>(<u32>lane)) * FOLD_FACTOR;
  return mixed ^ (mixed >> 32);
}
