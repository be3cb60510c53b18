/**
 * The products of attention with B in f16: as attention-product.ts, with the bits that B as f32 would give. The lanes of
 * a word are taken apart by a shift and a dot product, which leaves them 2^112 too small (the biases of the exponents are
 * 112 apart); callers make A that much larger instead, which is exact: `enlarge`.
 */
import { Constant, constant } from "../constants";

/** Largest magnitude of a query: larger ones would overflow when enlarged. */
const MOST: f32 = 65504;
const ENLARGED: f32 = 5.192296858534828e33;

/** Queries bounded to what f16 holds (NaN becomes the bound) and times 2^112. `bytes` is a multiple of 16. */
export function enlarge(a: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const below = f32x4.pmin(f32x4.splat(MOST), v128.load(a + i));
    const x = f32x4.pmax(f32x4.splat(-MOST), below);
    v128.store(a + i, f32x4.mul(x, f32x4.splat(ENLARGED)));
  }
}

/** C[n][width] = (C * alpha) + A[n][depth] B[depth][width]; width is a multiple of 8. */
export function productHalf(
  n: i32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  depth: i32,
  c: usize,
  cStride: usize,
  width: i32,
  alphas: usize,
): void {
  let column = 0;
  if (n == 1) {
    for (; column + 32 <= width; column += 32) {
      half1x4(a, b + (<usize>column << 1), bStride, depth, c + (<usize>column << 2), alphas);
    }
  }
  for (; column < width; column += 8) {
    const at = b + (<usize>column << 1);
    const to = c + (<usize>column << 2);
    if (n == 4) half4x1(a, aStride, at, bStride, depth, to, cStride, alphas);
    else if (n == 3) half3x1(a, aStride, at, bStride, depth, to, cStride, alphas);
    else if (n == 2) half2x1(a, aStride, at, bStride, depth, to, cStride, alphas);
    else half1x1(a, at, bStride, depth, to, alphas);
  }
}

@inline
function even(words: v128, shift: v128, mask: v128): v128 {
  return v128.and(i32x4.dot_i16x8_s(words, shift), mask);
}

@inline
function odd(words: v128, mask: v128): v128 {
  return v128.and(i32x4.shr_s(words, 3), mask);
}

@inline
function add(sum: v128, x: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(x, b));
}

/** Eight columns of a row from the sums of even and of odd columns. */
@inline
function finish(c: usize, evens: v128, odds: v128, alpha: usize): void {
  let low = v128.shuffle<i32>(evens, odds, 0, 4, 1, 5);
  let high = v128.shuffle<i32>(evens, odds, 2, 6, 3, 7);
  if (alpha != 0) {
    const factor = v128.load32_splat(alpha);
    low = f32x4.add(f32x4.mul(v128.load(c), factor), low);
    high = f32x4.add(f32x4.mul(v128.load(c, 16), factor), high);
  }
  v128.store(c, low);
  v128.store(c, high, 16);
}

@inline
function alphaOf(alphas: usize, row: usize): usize {
  return alphas == 0 ? 0 : alphas + (row << 2);
}

function half1x4(a: usize, b: usize, bStride: usize, depth: i32, c: usize, alphas: usize): void {
  const shift = constant(Constant.HalfShift);
  const mask = constant(Constant.HalfMask);
  let e0 = f32x4.splat(0);
  let e1 = f32x4.splat(0);
  let e2 = f32x4.splat(0);
  let e3 = f32x4.splat(0);
  let o0 = f32x4.splat(0);
  let o1 = f32x4.splat(0);
  let o2 = f32x4.splat(0);
  let o3 = f32x4.splat(0);
  for (let k = 0; k < depth; k++) {
    const x = v128.load32_splat(a);
    let w = v128.load(b);
    e0 = add(e0, x, even(w, shift, mask));
    o0 = add(o0, x, odd(w, mask));
    w = v128.load(b, 16);
    e1 = add(e1, x, even(w, shift, mask));
    o1 = add(o1, x, odd(w, mask));
    w = v128.load(b, 32);
    e2 = add(e2, x, even(w, shift, mask));
    o2 = add(o2, x, odd(w, mask));
    w = v128.load(b, 48);
    e3 = add(e3, x, even(w, shift, mask));
    o3 = add(o3, x, odd(w, mask));
    a += 4;
    b += bStride;
  }
  finish(c, e0, o0, alphas);
  finish(c + 32, e1, o1, alphas);
  finish(c + 64, e2, o2, alphas);
  finish(c + 96, e3, o3, alphas);
}

function half1x1(a: usize, b: usize, bStride: usize, depth: i32, c: usize, alphas: usize): void {
  const shift = constant(Constant.HalfShift);
  const mask = constant(Constant.HalfMask);
  let e0 = f32x4.splat(0);
  let o0 = f32x4.splat(0);
  for (let k = 0; k < depth; k++) {
    const w = v128.load(b);
    const x = v128.load32_splat(a);
    e0 = add(e0, x, even(w, shift, mask));
    o0 = add(o0, x, odd(w, mask));
    a += 4;
    b += bStride;
  }
  finish(c, e0, o0, alphas);
}

function half2x1(
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  depth: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
): void {
  const shift = constant(Constant.HalfShift);
  const mask = constant(Constant.HalfMask);
  let e0 = f32x4.splat(0);
  let e1 = f32x4.splat(0);
  let o0 = f32x4.splat(0);
  let o1 = f32x4.splat(0);
  let a1 = a + aStride;
  for (let k = 0; k < depth; k++) {
    const w = v128.load(b);
    const evens = even(w, shift, mask);
    const odds = odd(w, mask);
    let x = v128.load32_splat(a);
    e0 = add(e0, x, evens);
    o0 = add(o0, x, odds);
    x = v128.load32_splat(a1);
    e1 = add(e1, x, evens);
    o1 = add(o1, x, odds);
    a += 4;
    a1 += 4;
    b += bStride;
  }
  finish(c, e0, o0, alphaOf(alphas, 0));
  finish(c + cStride, e1, o1, alphaOf(alphas, 1));
}

function half3x1(
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  depth: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
): void {
  const shift = constant(Constant.HalfShift);
  const mask = constant(Constant.HalfMask);
  let e0 = f32x4.splat(0);
  let e1 = f32x4.splat(0);
  let e2 = f32x4.splat(0);
  let o0 = f32x4.splat(0);
  let o1 = f32x4.splat(0);
  let o2 = f32x4.splat(0);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  for (let k = 0; k < depth; k++) {
    const w = v128.load(b);
    const evens = even(w, shift, mask);
    const odds = odd(w, mask);
    let x = v128.load32_splat(a);
    e0 = add(e0, x, evens);
    o0 = add(o0, x, odds);
    x = v128.load32_splat(a1);
    e1 = add(e1, x, evens);
    o1 = add(o1, x, odds);
    x = v128.load32_splat(a2);
    e2 = add(e2, x, evens);
    o2 = add(o2, x, odds);
    a += 4;
    a1 += 4;
    a2 += 4;
    b += bStride;
  }
  finish(c, e0, o0, alphaOf(alphas, 0));
  finish(c + cStride, e1, o1, alphaOf(alphas, 1));
  finish(c + 2 * cStride, e2, o2, alphaOf(alphas, 2));
}

function half4x1(
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  depth: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
): void {
  const shift = constant(Constant.HalfShift);
  const mask = constant(Constant.HalfMask);
  let e0 = f32x4.splat(0);
  let e1 = f32x4.splat(0);
  let e2 = f32x4.splat(0);
  let e3 = f32x4.splat(0);
  let o0 = f32x4.splat(0);
  let o1 = f32x4.splat(0);
  let o2 = f32x4.splat(0);
  let o3 = f32x4.splat(0);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  for (let k = 0; k < depth; k++) {
    const w = v128.load(b);
    const evens = even(w, shift, mask);
    const odds = odd(w, mask);
    let x = v128.load32_splat(a);
    e0 = add(e0, x, evens);
    o0 = add(o0, x, odds);
    x = v128.load32_splat(a1);
    e1 = add(e1, x, evens);
    o1 = add(o1, x, odds);
    x = v128.load32_splat(a2);
    e2 = add(e2, x, evens);
    o2 = add(o2, x, odds);
    x = v128.load32_splat(a3);
    e3 = add(e3, x, evens);
    o3 = add(o3, x, odds);
    a += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    b += bStride;
  }
  finish(c, e0, o0, alphaOf(alphas, 0));
  finish(c + cStride, e1, o1, alphaOf(alphas, 1));
  finish(c + 2 * cStride, e2, o2, alphaOf(alphas, 2));
  finish(c + 3 * cStride, e3, o3, alphaOf(alphas, 3));
}
