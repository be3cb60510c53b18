/**
 * The products of attention with q8_0 tiles (kv.ts): C[n][32] = C * alpha + f32(A T) * (rowUnit * columnScale), where A
 * holds i16 in units of their own per row, T the codes of a tile, and A T is an exact integer sum: up to 32 terms of
 * 32639 * 127. Results therefore do not depend on how queries are tiled. i16 cost about 1e-5 of the largest element,
 * a hundredth of what i8 codes cost.
 */

/**
 * @param n queries, 1 to 4, whose rows of A and C start `aStride` and `cStride` bytes apart
 * @param codes of a tile
 * @param pairs pairs of elements of A and rows of codes that count
 * @param alphas f32 per query @param units f32 per query @param scales f32 per column
 */
export function productByte(
  n: i32,
  a: usize,
  aStride: usize,
  codes: usize,
  pairs: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
  units: usize,
  scales: usize,
): void {
  if (n == 1) {
    byte1x8(a, codes, pairs, c, alphas, units, scales);
    return;
  }
  const wide: usize = n == 4 ? 32 : 64;
  for (let column: usize = 0; column < 128; column += wide) {
    if (n == 4) byte4x2(a, aStride, codes, pairs, c, cStride, alphas, units, scales);
    else if (n == 3) byte3x4(a, aStride, codes, pairs, c, cStride, alphas, units, scales);
    else byte2x4(a, aStride, codes, pairs, c, cStride, alphas, units, scales);
    codes += wide >> 1;
    c += wide;
    scales += wide;
  }
}

@inline
function dot(sum: v128, x: v128, codes: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, codes));
}

@inline
function finish(c: usize, sum: v128, alpha: usize, unit: usize, scales: usize): void {
  const factor = f32x4.mul(v128.load32_splat(unit), v128.load(scales));
  const product = f32x4.mul(f32x4.convert_i32x4_s(sum), factor);
  v128.store(c, f32x4.add(f32x4.mul(v128.load(c), v128.load32_splat(alpha)), product));
}

function byte1x8(
  a: usize,
  b: usize,
  pairs: i32,
  c: usize,
  alphas: usize,
  units: usize,
  scales: usize,
): void {
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let c02 = i32x4.splat(0);
  let c03 = i32x4.splat(0);
  let c04 = i32x4.splat(0);
  let c05 = i32x4.splat(0);
  let c06 = i32x4.splat(0);
  let c07 = i32x4.splat(0);
  for (let k = 0; k < pairs; k++) {
    const x = v128.load32_splat(a);
    c00 = dot(c00, x, v128.load_ext<i8>(b));
    c01 = dot(c01, x, v128.load_ext<i8>(b, 8));
    c02 = dot(c02, x, v128.load_ext<i8>(b, 16));
    c03 = dot(c03, x, v128.load_ext<i8>(b, 24));
    c04 = dot(c04, x, v128.load_ext<i8>(b, 32));
    c05 = dot(c05, x, v128.load_ext<i8>(b, 40));
    c06 = dot(c06, x, v128.load_ext<i8>(b, 48));
    c07 = dot(c07, x, v128.load_ext<i8>(b, 56));
    a += 4;
    b += 64;
  }
  finish(c, c00, alphas, units, scales);
  finish(c + 16, c01, alphas, units, scales + 16);
  finish(c + 32, c02, alphas, units, scales + 32);
  finish(c + 48, c03, alphas, units, scales + 48);
  finish(c + 64, c04, alphas, units, scales + 64);
  finish(c + 80, c05, alphas, units, scales + 80);
  finish(c + 96, c06, alphas, units, scales + 96);
  finish(c + 112, c07, alphas, units, scales + 112);
}

function byte2x4(
  a: usize,
  aStride: usize,
  b: usize,
  pairs: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
  units: usize,
  scales: usize,
): void {
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let c02 = i32x4.splat(0);
  let c03 = i32x4.splat(0);
  let c10 = i32x4.splat(0);
  let c11 = i32x4.splat(0);
  let c12 = i32x4.splat(0);
  let c13 = i32x4.splat(0);
  let a1 = a + aStride;
  for (let k = 0; k < pairs; k++) {
    const b0 = v128.load_ext<i8>(b);
    const b1 = v128.load_ext<i8>(b, 8);
    const b2 = v128.load_ext<i8>(b, 16);
    const b3 = v128.load_ext<i8>(b, 24);
    let x = v128.load32_splat(a);
    c00 = dot(c00, x, b0);
    c01 = dot(c01, x, b1);
    c02 = dot(c02, x, b2);
    c03 = dot(c03, x, b3);
    x = v128.load32_splat(a1);
    c10 = dot(c10, x, b0);
    c11 = dot(c11, x, b1);
    c12 = dot(c12, x, b2);
    c13 = dot(c13, x, b3);
    a += 4;
    a1 += 4;
    b += 64;
  }
  finish(c, c00, alphas, units, scales);
  finish(c + 16, c01, alphas, units, scales + 16);
  finish(c + 32, c02, alphas, units, scales + 32);
  finish(c + 48, c03, alphas, units, scales + 48);
  c += cStride;
  finish(c, c10, alphas + 4, units + 4, scales);
  finish(c + 16, c11, alphas + 4, units + 4, scales + 16);
  finish(c + 32, c12, alphas + 4, units + 4, scales + 32);
  finish(c + 48, c13, alphas + 4, units + 4, scales + 48);
}

function byte3x4(
  a: usize,
  aStride: usize,
  b: usize,
  pairs: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
  units: usize,
  scales: usize,
): void {
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let c02 = i32x4.splat(0);
  let c03 = i32x4.splat(0);
  let c10 = i32x4.splat(0);
  let c11 = i32x4.splat(0);
  let c12 = i32x4.splat(0);
  let c13 = i32x4.splat(0);
  let c20 = i32x4.splat(0);
  let c21 = i32x4.splat(0);
  let c22 = i32x4.splat(0);
  let c23 = i32x4.splat(0);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  for (let k = 0; k < pairs; k++) {
    const b0 = v128.load_ext<i8>(b);
    const b1 = v128.load_ext<i8>(b, 8);
    const b2 = v128.load_ext<i8>(b, 16);
    const b3 = v128.load_ext<i8>(b, 24);
    let x = v128.load32_splat(a);
    c00 = dot(c00, x, b0);
    c01 = dot(c01, x, b1);
    c02 = dot(c02, x, b2);
    c03 = dot(c03, x, b3);
    x = v128.load32_splat(a1);
    c10 = dot(c10, x, b0);
    c11 = dot(c11, x, b1);
    c12 = dot(c12, x, b2);
    c13 = dot(c13, x, b3);
    x = v128.load32_splat(a2);
    c20 = dot(c20, x, b0);
    c21 = dot(c21, x, b1);
    c22 = dot(c22, x, b2);
    c23 = dot(c23, x, b3);
    a += 4;
    a1 += 4;
    a2 += 4;
    b += 64;
  }
  finish(c, c00, alphas, units, scales);
  finish(c + 16, c01, alphas, units, scales + 16);
  finish(c + 32, c02, alphas, units, scales + 32);
  finish(c + 48, c03, alphas, units, scales + 48);
  c += cStride;
  finish(c, c10, alphas + 4, units + 4, scales);
  finish(c + 16, c11, alphas + 4, units + 4, scales + 16);
  finish(c + 32, c12, alphas + 4, units + 4, scales + 32);
  finish(c + 48, c13, alphas + 4, units + 4, scales + 48);
  c += cStride;
  finish(c, c20, alphas + 8, units + 8, scales);
  finish(c + 16, c21, alphas + 8, units + 8, scales + 16);
  finish(c + 32, c22, alphas + 8, units + 8, scales + 32);
  finish(c + 48, c23, alphas + 8, units + 8, scales + 48);
}

function byte4x2(
  a: usize,
  aStride: usize,
  b: usize,
  pairs: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
  units: usize,
  scales: usize,
): void {
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let c10 = i32x4.splat(0);
  let c11 = i32x4.splat(0);
  let c20 = i32x4.splat(0);
  let c21 = i32x4.splat(0);
  let c30 = i32x4.splat(0);
  let c31 = i32x4.splat(0);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  for (let k = 0; k < pairs; k++) {
    const b0 = v128.load_ext<i8>(b);
    const b1 = v128.load_ext<i8>(b, 8);
    let x = v128.load32_splat(a);
    c00 = dot(c00, x, b0);
    c01 = dot(c01, x, b1);
    x = v128.load32_splat(a1);
    c10 = dot(c10, x, b0);
    c11 = dot(c11, x, b1);
    x = v128.load32_splat(a2);
    c20 = dot(c20, x, b0);
    c21 = dot(c21, x, b1);
    x = v128.load32_splat(a3);
    c30 = dot(c30, x, b0);
    c31 = dot(c31, x, b1);
    a += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    b += 64;
  }
  finish(c, c00, alphas, units, scales);
  finish(c + 16, c01, alphas, units, scales + 16);
  c += cStride;
  finish(c, c10, alphas + 4, units + 4, scales);
  finish(c + 16, c11, alphas + 4, units + 4, scales + 16);
  c += cStride;
  finish(c, c20, alphas + 8, units + 8, scales);
  finish(c + 16, c21, alphas + 8, units + 8, scales + 16);
  c += cStride;
  finish(c, c30, alphas + 12, units + 12, scales);
  finish(c + 16, c31, alphas + 12, units + 12, scales + 16);
}
