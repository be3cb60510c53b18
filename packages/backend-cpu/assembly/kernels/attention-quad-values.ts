/** Probabilities times q8_0 values whose codes lie in fours: see attention-quads.ts. */
import { dot, join } from "./attention-quads";

/**
 * C[n][32] = C * alpha + the products of weights with a tile's codes of values.
 * @param a planes of 32 weights of queries, 1 to 4, `aStride` bytes apart
 * @param alphas f32 per query @param units f32 per query
 */
export function addQuads(
  n: i32,
  a: usize,
  aStride: usize,
  codes: usize,
  c: usize,
  cStride: usize,
  alphas: usize,
  units: usize,
): void {
  if (n == 4) {
    addQuads(2, a, aStride, codes, c, cStride, alphas, units);
    addQuads(2, a + 2 * aStride, aStride, codes, c + 2 * cStride, cStride, alphas + 8, units + 8);
    return;
  }
  const wide: usize = n == 1 ? 64 : 32;
  for (let column: usize = 0; column < 128; column += wide) {
    if (n == 1) add1(a, codes, c, alphas, units);
    else if (n == 2) add2(a, aStride, codes, c, cStride, alphas, units);
    else add3(a, aStride, codes, c, cStride, alphas, units);
    codes += wide;
    c += wide;
  }
}

@inline
function accumulate(c: usize, product: v128, alpha: v128): void {
  v128.store(c, f32x4.add(f32x4.mul(v128.load(c), alpha), product));
}

function add1(
  a: usize,
  b: usize,
  c: usize,
  alphas: usize,
  units: usize,
): void {
  let h00 = i32x4.splat(0);
  let l00 = i32x4.splat(0);
  let h01 = i32x4.splat(0);
  let l01 = i32x4.splat(0);
  let h02 = i32x4.splat(0);
  let l02 = i32x4.splat(0);
  let h03 = i32x4.splat(0);
  let l03 = i32x4.splat(0);
  for (const end = b + 1024; b < end; b += 128) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const b2 = v128.load(b, 32);
    const b3 = v128.load(b, 48);
    let x = v128.load32_splat(a);
    h00 = dot(h00, b0, x);
    h01 = dot(h01, b1, x);
    h02 = dot(h02, b2, x);
    h03 = dot(h03, b3, x);
    x = v128.load32_splat(a, 4);
    l00 = dot(l00, b0, x);
    l01 = dot(l01, b1, x);
    l02 = dot(l02, b2, x);
    l03 = dot(l03, b3, x);
    a += 8;
  }
  let alpha = v128.load32_splat(alphas);
  let unit = v128.load32_splat(units);
  accumulate(c, f32x4.mul(join(h00, l00), unit), alpha);
  accumulate(c + 16, f32x4.mul(join(h01, l01), unit), alpha);
  accumulate(c + 32, f32x4.mul(join(h02, l02), unit), alpha);
  accumulate(c + 48, f32x4.mul(join(h03, l03), unit), alpha);
}

function add2(
  a: usize,
  aStride: usize,
  b: usize,
  c: usize,
  cStride: usize,
  alphas: usize,
  units: usize,
): void {
  let a1 = a + aStride;
  let h00 = i32x4.splat(0);
  let l00 = i32x4.splat(0);
  let h01 = i32x4.splat(0);
  let l01 = i32x4.splat(0);
  let h10 = i32x4.splat(0);
  let l10 = i32x4.splat(0);
  let h11 = i32x4.splat(0);
  let l11 = i32x4.splat(0);
  for (const end = b + 1024; b < end; b += 128) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    h00 = dot(h00, b0, x);
    h01 = dot(h01, b1, x);
    x = v128.load32_splat(a, 4);
    l00 = dot(l00, b0, x);
    l01 = dot(l01, b1, x);
    x = v128.load32_splat(a1);
    h10 = dot(h10, b0, x);
    h11 = dot(h11, b1, x);
    x = v128.load32_splat(a1, 4);
    l10 = dot(l10, b0, x);
    l11 = dot(l11, b1, x);
    a += 8;
    a1 += 8;
  }
  let alpha = v128.load32_splat(alphas);
  let unit = v128.load32_splat(units);
  accumulate(c, f32x4.mul(join(h00, l00), unit), alpha);
  accumulate(c + 16, f32x4.mul(join(h01, l01), unit), alpha);
  c += cStride;
  alpha = v128.load32_splat(alphas, 4);
  unit = v128.load32_splat(units, 4);
  accumulate(c, f32x4.mul(join(h10, l10), unit), alpha);
  accumulate(c + 16, f32x4.mul(join(h11, l11), unit), alpha);
}

function add3(
  a: usize,
  aStride: usize,
  b: usize,
  c: usize,
  cStride: usize,
  alphas: usize,
  units: usize,
): void {
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let h00 = i32x4.splat(0);
  let l00 = i32x4.splat(0);
  let h01 = i32x4.splat(0);
  let l01 = i32x4.splat(0);
  let h10 = i32x4.splat(0);
  let l10 = i32x4.splat(0);
  let h11 = i32x4.splat(0);
  let l11 = i32x4.splat(0);
  let h20 = i32x4.splat(0);
  let l20 = i32x4.splat(0);
  let h21 = i32x4.splat(0);
  let l21 = i32x4.splat(0);
  for (const end = b + 1024; b < end; b += 128) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    h00 = dot(h00, b0, x);
    h01 = dot(h01, b1, x);
    x = v128.load32_splat(a, 4);
    l00 = dot(l00, b0, x);
    l01 = dot(l01, b1, x);
    x = v128.load32_splat(a1);
    h10 = dot(h10, b0, x);
    h11 = dot(h11, b1, x);
    x = v128.load32_splat(a1, 4);
    l10 = dot(l10, b0, x);
    l11 = dot(l11, b1, x);
    x = v128.load32_splat(a2);
    h20 = dot(h20, b0, x);
    h21 = dot(h21, b1, x);
    x = v128.load32_splat(a2, 4);
    l20 = dot(l20, b0, x);
    l21 = dot(l21, b1, x);
    a += 8;
    a1 += 8;
    a2 += 8;
  }
  let alpha = v128.load32_splat(alphas);
  let unit = v128.load32_splat(units);
  accumulate(c, f32x4.mul(join(h00, l00), unit), alpha);
  accumulate(c + 16, f32x4.mul(join(h01, l01), unit), alpha);
  c += cStride;
  alpha = v128.load32_splat(alphas, 4);
  unit = v128.load32_splat(units, 4);
  accumulate(c, f32x4.mul(join(h10, l10), unit), alpha);
  accumulate(c + 16, f32x4.mul(join(h11, l11), unit), alpha);
  c += cStride;
  alpha = v128.load32_splat(alphas, 8);
  unit = v128.load32_splat(units, 8);
  accumulate(c, f32x4.mul(join(h20, l20), unit), alpha);
  accumulate(c + 16, f32x4.mul(join(h21, l21), unit), alpha);
}
