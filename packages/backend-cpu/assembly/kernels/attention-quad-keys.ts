/** The scores of q8_0 keys whose codes lie in fours: see attention-quads.ts. */
import { Constant, constant, halfHigh, halfLow } from "../constants";
import { KvBlock } from "../opcodes";
import { dot, join } from "./attention-quads";

/**
 * C[n][32] = the products of queries with a block's keys, in registers from tile to tile.
 * @param a planes of queries, 1 to 4, `aStride` bytes apart, 128 bytes per tile @param units f32 per query
 */
export function scoreQuads(
  n: i32,
  a: usize,
  aStride: usize,
  keys: usize,
  headDim: i32,
  c: usize,
  cStride: usize,
  units: usize,
): void {
  if (n == 4) {
    scoreQuads(2, a, aStride, keys, headDim, c, cStride, units);
    scoreQuads(2, a + 2 * aStride, aStride, keys, headDim, c + 2 * cStride, cStride, units + 8);
    return;
  }
  const wide: usize = n == 1 ? 64 : 32;
  for (let column: usize = 0; column < 128; column += wide) {
    const codes = keys + 64 + column;
    const scales = keys + (column >> 1);
    if (n == 1) score1(a, codes, scales, headDim, c, units);
    else if (n == 2) score2(a, aStride, codes, scales, headDim, c, cStride, units);
    else score3(a, aStride, codes, scales, headDim, c, cStride, units);
    c += wide;
  }
}

function score1(
  a: usize,
  codes: usize,
  scales: usize,
  headDim: i32,
  c: usize,
  units: usize,
): void {
  const mask = constant(Constant.HalfMask);
  const half = constant(Constant.HalfScale);
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c02 = f32x4.splat(0);
  let c03 = f32x4.splat(0);
  for (let d = 0; d < headDim; d += 32) {
    const next = a + 128;
    let h00 = i32x4.splat(0);
    let l00 = v128.load(a, 64);
    let h01 = i32x4.splat(0);
    let l01 = l00;
    let h02 = i32x4.splat(0);
    let l02 = l00;
    let h03 = i32x4.splat(0);
    let l03 = l00;
    let b = codes;
    const end = b + (<usize>((min(32, headDim - d) + 3) >> 2) << 7);
    for (; b < end; b += 128) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const b2 = v128.load(b, 32);
      const b3 = v128.load(b, 48);
      let x = v128.load32_splat(a);
      h00 = dot(h00, x, b0);
      h01 = dot(h01, x, b1);
      h02 = dot(h02, x, b2);
      h03 = dot(h03, x, b3);
      x = v128.load32_splat(a, 4);
      l00 = dot(l00, x, b0);
      l01 = dot(l01, x, b1);
      l02 = dot(l02, x, b2);
      l03 = dot(l03, x, b3);
      a += 8;
    }
    const halves0 = v128.load(scales);
    const s0 = halfLow(halves0, mask, half);
    const s1 = halfHigh(halves0, mask, half);
    const halves2 = v128.load(scales, 16);
    const s2 = halfLow(halves2, mask, half);
    const s3 = halfHigh(halves2, mask, half);
    let unit = v128.load32_splat(units);
    c00 = f32x4.add(c00, f32x4.mul(join(h00, l00), f32x4.mul(unit, s0)));
    c01 = f32x4.add(c01, f32x4.mul(join(h01, l01), f32x4.mul(unit, s1)));
    c02 = f32x4.add(c02, f32x4.mul(join(h02, l02), f32x4.mul(unit, s2)));
    c03 = f32x4.add(c03, f32x4.mul(join(h03, l03), f32x4.mul(unit, s3)));
    a = next;
    codes += KvBlock.TileBytes;
    scales += KvBlock.TileBytes;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(c, c03, 48);
}

function score2(
  a: usize,
  aStride: usize,
  codes: usize,
  scales: usize,
  headDim: i32,
  c: usize,
  cStride: usize,
  units: usize,
): void {
  const mask = constant(Constant.HalfMask);
  const half = constant(Constant.HalfScale);
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  for (let d = 0; d < headDim; d += 32) {
    let a1 = a + aStride;
    const next = a + 128;
    let h00 = i32x4.splat(0);
    let l00 = v128.load(a, 64);
    let h01 = i32x4.splat(0);
    let l01 = l00;
    let h10 = i32x4.splat(0);
    let l10 = v128.load(a1, 64);
    let h11 = i32x4.splat(0);
    let l11 = l10;
    let b = codes;
    const end = b + (<usize>((min(32, headDim - d) + 3) >> 2) << 7);
    for (; b < end; b += 128) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
      h00 = dot(h00, x, b0);
      h01 = dot(h01, x, b1);
      x = v128.load32_splat(a, 4);
      l00 = dot(l00, x, b0);
      l01 = dot(l01, x, b1);
      x = v128.load32_splat(a1);
      h10 = dot(h10, x, b0);
      h11 = dot(h11, x, b1);
      x = v128.load32_splat(a1, 4);
      l10 = dot(l10, x, b0);
      l11 = dot(l11, x, b1);
      a += 8;
      a1 += 8;
    }
    const halves0 = v128.load(scales);
    const s0 = halfLow(halves0, mask, half);
    const s1 = halfHigh(halves0, mask, half);
    let unit = v128.load32_splat(units);
    c00 = f32x4.add(c00, f32x4.mul(join(h00, l00), f32x4.mul(unit, s0)));
    c01 = f32x4.add(c01, f32x4.mul(join(h01, l01), f32x4.mul(unit, s1)));
    unit = v128.load32_splat(units, 4);
    c10 = f32x4.add(c10, f32x4.mul(join(h10, l10), f32x4.mul(unit, s0)));
    c11 = f32x4.add(c11, f32x4.mul(join(h11, l11), f32x4.mul(unit, s1)));
    a = next;
    codes += KvBlock.TileBytes;
    scales += KvBlock.TileBytes;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
}

function score3(
  a: usize,
  aStride: usize,
  codes: usize,
  scales: usize,
  headDim: i32,
  c: usize,
  cStride: usize,
  units: usize,
): void {
  const mask = constant(Constant.HalfMask);
  const half = constant(Constant.HalfScale);
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  for (let d = 0; d < headDim; d += 32) {
    let a1 = a + aStride;
    let a2 = a1 + aStride;
    const next = a + 128;
    let h00 = i32x4.splat(0);
    let l00 = v128.load(a, 64);
    let h01 = i32x4.splat(0);
    let l01 = l00;
    let h10 = i32x4.splat(0);
    let l10 = v128.load(a1, 64);
    let h11 = i32x4.splat(0);
    let l11 = l10;
    let h20 = i32x4.splat(0);
    let l20 = v128.load(a2, 64);
    let h21 = i32x4.splat(0);
    let l21 = l20;
    let b = codes;
    const end = b + (<usize>((min(32, headDim - d) + 3) >> 2) << 7);
    for (; b < end; b += 128) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
      h00 = dot(h00, x, b0);
      h01 = dot(h01, x, b1);
      x = v128.load32_splat(a, 4);
      l00 = dot(l00, x, b0);
      l01 = dot(l01, x, b1);
      x = v128.load32_splat(a1);
      h10 = dot(h10, x, b0);
      h11 = dot(h11, x, b1);
      x = v128.load32_splat(a1, 4);
      l10 = dot(l10, x, b0);
      l11 = dot(l11, x, b1);
      x = v128.load32_splat(a2);
      h20 = dot(h20, x, b0);
      h21 = dot(h21, x, b1);
      x = v128.load32_splat(a2, 4);
      l20 = dot(l20, x, b0);
      l21 = dot(l21, x, b1);
      a += 8;
      a1 += 8;
      a2 += 8;
    }
    const halves0 = v128.load(scales);
    const s0 = halfLow(halves0, mask, half);
    const s1 = halfHigh(halves0, mask, half);
    let unit = v128.load32_splat(units);
    c00 = f32x4.add(c00, f32x4.mul(join(h00, l00), f32x4.mul(unit, s0)));
    c01 = f32x4.add(c01, f32x4.mul(join(h01, l01), f32x4.mul(unit, s1)));
    unit = v128.load32_splat(units, 4);
    c10 = f32x4.add(c10, f32x4.mul(join(h10, l10), f32x4.mul(unit, s0)));
    c11 = f32x4.add(c11, f32x4.mul(join(h11, l11), f32x4.mul(unit, s1)));
    unit = v128.load32_splat(units, 8);
    c20 = f32x4.add(c20, f32x4.mul(join(h20, l20), f32x4.mul(unit, s0)));
    c21 = f32x4.add(c21, f32x4.mul(join(h21, l21), f32x4.mul(unit, s1)));
    a = next;
    codes += KvBlock.TileBytes;
    scales += KvBlock.TileBytes;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cStride;
  v128.store(c, c20);
  v128.store(c, c21, 16);
}
