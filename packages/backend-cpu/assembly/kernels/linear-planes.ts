/**
 * Products of one row of quantized activations with weights whose codes are split into planes (planes.ts), 8 output
 * features. What types share is written once; `type` and `mode` are literals at every call. Sums within 32 inputs are
 * exact integers; blocks of 32 are added in order with one expression (`addBlock`), the same as in linear-tile.ts.
 */
import { Activations } from "../activations";
import { activation, addPairs, Dot, dotByteHigh, dotByteLow, dotNibbleHigh, dotNibbleLow } from "../dot";
import { PackedType } from "../opcodes";
import { hasHalves, hasLevels, hasMinimum, headerBytes, integerBytes, integersOffset, planeBytes, span } from "../packed";
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

/** acc + x . c over 16 inputs of one row. Codes are below 64: products of 16 fit into 16 bits where a mode sums so. */
@inline
function dot16(mode: Dot, type: PackedType, acc: v128, x: usize, c0: v128, c1: v128, c2: v128, c3: v128): v128 {
  const v0 = activation(mode, x);
  const v1 = activation(mode, x + 4);
  const v2 = activation(mode, x + 8);
  const v3 = activation(mode, x + 12);
  const zero = i32x4.splat(0);
  let lo = mode == Dot.Madd ? zero : acc;
  let hi = zero;
  if (hasLevels(type)) {
    lo = dotByteLow(mode, dotByteLow(mode, lo, v0, c0), v1, c1);
    lo = dotByteLow(mode, dotByteLow(mode, lo, v2, c2), v3, c3);
    if (mode != Dot.Madd) return lo;
    hi = dotByteHigh(mode, dotByteHigh(mode, hi, v0, c0), v1, c1);
    hi = dotByteHigh(mode, dotByteHigh(mode, hi, v2, c2), v3, c3);
    return i32x4.add(acc, addPairs(lo, hi));
  }
  lo = dotNibbleLow(mode, dotNibbleLow(mode, lo, v0, c0), v1, c1);
  lo = dotNibbleLow(mode, dotNibbleLow(mode, lo, v2, c2), v3, c3);
  if (mode != Dot.Madd) return lo;
  hi = dotNibbleHigh(mode, dotNibbleHigh(mode, hi, v0, c0), v1, c1);
  hi = dotNibbleHigh(mode, dotNibbleHigh(mode, hi, v2, c2), v3, c3);
  return i32x4.add(acc, addPairs(i32x4.extadd_pairwise_i16x8_s(lo), i32x4.extadd_pairwise_i16x8_s(hi)));
}

/** -8 times the sum of the 16 activations of half `p`. */
@inline
function halfBias(statistics: usize, p: usize): v128 {
  const first = v128.load32_splat(statistics, 12);
  return p == 0 ? first : i32x4.sub(v128.load32_splat(statistics, 4), first);
}

/** Where the integer sum of 32 inputs starts, or of half `p` for types with a scale per half: the codes' offset. */
@inline
function bias(mode: Dot, type: PackedType, statistics: usize, p: usize): v128 {
  if (type == PackedType.Q6_K) return i32x4.shl(halfBias(statistics, p), 2);
  if (type == PackedType.Q3_K) return i32x4.shr_s(halfBias(statistics, p), 1);
  if (type == PackedType.Q5_0) return i32x4.shl(v128.load32_splat(statistics, 4), 1);
  if (hasLevels(type) && mode == Dot.Unsigned) return i32x4.shl(v128.load32_splat(statistics, 4), 4);
  return i32x4.splat(0);
}

/** acc + what 32 inputs add to one row's four sums. */
@inline
function addBlock(
  type: PackedType,
  acc: v128,
  scale: v128,
  minimum: v128,
  integers: usize,
  statistics: usize,
  dot: v128,
): v128 {
  const xScale = v128.load32_splat(statistics);
  const product = f32x4.mul(f32x4.mul(scale, xScale), f32x4.convert_i32x4_s(dot));
  if (!hasMinimum(type)) return f32x4.add(acc, product);
  if (type == PackedType.Q2_K) {
    // -8 times the sum of minimum * activation.
    const first = i32x4.mul(halfMinimums(integers, 0), halfBias(statistics, 0));
    const low = i32x4.add(first, i32x4.mul(halfMinimums(integers, 1), halfBias(statistics, 1)));
    const sum = f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.neg(low), 3));
    return f32x4.add(acc, f32x4.sub(product, f32x4.mul(f32x4.mul(minimum, xScale), sum)));
  }
  const offset = f32x4.mul(minimum, v128.load32_splat(statistics, 8));
  return f32x4.add(acc, type == PackedType.Q5_1 ? f32x4.add(product, offset) : f32x4.sub(product, offset));
}

/** Exact integer sum of 32 inputs of one row and four features. */
@inline
function blockDot(mode: Dot, type: PackedType, w: usize, x: usize, integers: usize, table: v128): v128 {
  const statistics = x + Activations.SingleStatistics;
  let dot = bias(mode, type, statistics, 0);
  let q = lower(type, w, 0);
  let h = upper(type, w, 0);
  let q2 = lowerNext(type, w, 0, q);
  let h2 = upperNext(type, h);
  const a = dot16(
    mode, type, dot, x,
    even(type, q, h, table), odd(type, q, h, table), even(type, q2, h2, table), odd(type, q2, h2, table),
  );
  q = lower(type, w, 1);
  h = upper(type, w, 1);
  q2 = lowerNext(type, w, 1, q);
  h2 = upperNext(type, h);
  dot = hasHalves(type) ? bias(mode, type, statistics, 1) : a;
  dot = dot16(
    mode, type, dot, x + 16,
    even(type, q, h, table), odd(type, q, h, table), even(type, q2, h2, table), odd(type, q2, h2, table),
  );
  if (!hasHalves(type)) return dot;
  return i32x4.add(i32x4.mul(halfScales(type, integers, 0), a), i32x4.mul(halfScales(type, integers, 1), dot));
}

@inline
export function planesRow(mode: Dot, type: PackedType, w: usize, x: usize, blocks: i32, y: usize): void {
  const table = levelTable(mode, type);
  let y0 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  for (let b = 0; b < blocks; b += span(type)) {
    const scale0 = halves(w);
    const scale1 = halves(w + 8);
    const minimum0 = hasMinimum(type) ? halves(w + 16) : scale0;
    const minimum1 = hasMinimum(type) ? halves(w + 24) : scale1;
    let integers = w + integersOffset(type);
    w += headerBytes(type);
    for (let j = 0; j < span(type); j++) {
      const statistics = x + Activations.SingleStatistics;
      const a = blockDot(mode, type, w, x, integers, table);
      const s0 = blockScale(type, scale0, integers);
      y0 = addBlock(type, y0, s0, blockMinimum(type, minimum0, integers), integers, statistics, a);
      integers += 4;
      const c = blockDot(mode, type, w + 16, x, integers, table);
      const s1 = blockScale(type, scale1, integers);
      y1 = addBlock(type, y1, s1, blockMinimum(type, minimum1, integers), integers, statistics, c);
      integers += integerBytes(type) - 4;
      w += planeBytes(type);
      x += Activations.BlockBytes;
    }
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
}
