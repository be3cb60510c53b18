/**
 * The two products of attention on small tiles: C[n][width] = (C * alpha) + A[n][depth] B[depth][width], with n of 1 to 4
 * queries. Scores take A = queries, B = transposed keys; outputs take A = probabilities, B = values. Each element is
 * summed over `depth` in order, whatever n is, so that results do not depend on how queries are tiled.
 */

/** Rows of A and C start `aStride` and `cStride` bytes apart; `alphas` holds one f32 per row, or is 0 for C = A B. */
export function product(
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
  const wide = n == 1 ? 32 : n == 2 ? 16 : 8;
  let column = 0;
  for (; column + wide <= width; column += wide) {
    const at = <usize>column << 2;
    if (n == 1) product1x8(a, b + at, bStride, depth, c + at, alphas);
    else if (n == 2) product2x4(a, aStride, b + at, bStride, depth, c + at, cStride, alphas);
    else if (n == 3) product3x2(a, aStride, b + at, bStride, depth, c + at, cStride, alphas);
    else product4x2(a, aStride, b + at, bStride, depth, c + at, cStride, alphas);
  }
  for (; column < width; column += 4) {
    const at = <usize>column << 2;
    for (let row = 0; row < n; row++) {
      const alpha = alphas == 0 ? <usize>0 : alphas + (<usize>row << 2);
      product1x1(a + aStride * row, b + at, bStride, depth, c + at + cStride * row, alpha);
    }
  }
}

@inline
function finish(c: usize, sum: v128, alpha: usize): void {
  if (alpha == 0) v128.store(c, sum);
  else v128.store(c, f32x4.add(f32x4.mul(v128.load(c), v128.load32_splat(alpha)), sum));
}

function product1x8(
  a: usize,
  b: usize,
  bStride: usize,
  depth: i32,
  c: usize,
  alphas: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c02 = f32x4.splat(0);
  let c03 = f32x4.splat(0);
  let c04 = f32x4.splat(0);
  let c05 = f32x4.splat(0);
  let c06 = f32x4.splat(0);
  let c07 = f32x4.splat(0);
  for (let k = 0; k < depth; k++) {
    const x = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(x, v128.load(b)));
    c01 = f32x4.add(c01, f32x4.mul(x, v128.load(b, 16)));
    c02 = f32x4.add(c02, f32x4.mul(x, v128.load(b, 32)));
    c03 = f32x4.add(c03, f32x4.mul(x, v128.load(b, 48)));
    c04 = f32x4.add(c04, f32x4.mul(x, v128.load(b, 64)));
    c05 = f32x4.add(c05, f32x4.mul(x, v128.load(b, 80)));
    c06 = f32x4.add(c06, f32x4.mul(x, v128.load(b, 96)));
    c07 = f32x4.add(c07, f32x4.mul(x, v128.load(b, 112)));
    a += 4;
    b += bStride;
  }
  finish(c, c00, alphas);
  finish(c + 16, c01, alphas);
  finish(c + 32, c02, alphas);
  finish(c + 48, c03, alphas);
  finish(c + 64, c04, alphas);
  finish(c + 80, c05, alphas);
  finish(c + 96, c06, alphas);
  finish(c + 112, c07, alphas);
}

function product2x4(
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  depth: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c02 = f32x4.splat(0);
  let c03 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c12 = f32x4.splat(0);
  let c13 = f32x4.splat(0);
  let a1 = a + aStride;
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const b2 = v128.load(b, 32);
    const b3 = v128.load(b, 48);
    let x = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    c02 = f32x4.add(c02, f32x4.mul(x, b2));
    c03 = f32x4.add(c03, f32x4.mul(x, b3));
    x = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    c12 = f32x4.add(c12, f32x4.mul(x, b2));
    c13 = f32x4.add(c13, f32x4.mul(x, b3));
    a += 4;
    a1 += 4;
    b += bStride;
  }
  finish(c, c00, alphas);
  finish(c + 16, c01, alphas);
  finish(c + 32, c02, alphas);
  finish(c + 48, c03, alphas);
  c += cStride;
  const alpha1 = alphas == 0 ? <usize>0 : alphas + 4;
  finish(c, c10, alpha1);
  finish(c + 16, c11, alpha1);
  finish(c + 32, c12, alpha1);
  finish(c + 48, c13, alpha1);
}

function product3x2(
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  depth: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    a += 4;
    a1 += 4;
    a2 += 4;
    b += bStride;
  }
  finish(c, c00, alphas);
  finish(c + 16, c01, alphas);
  c += cStride;
  const alpha1 = alphas == 0 ? <usize>0 : alphas + 4;
  finish(c, c10, alpha1);
  finish(c + 16, c11, alpha1);
  c += cStride;
  const alpha2 = alphas == 0 ? <usize>0 : alphas + 8;
  finish(c, c20, alpha2);
  finish(c + 16, c21, alpha2);
}

function product4x2(
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  depth: i32,
  c: usize,
  cStride: usize,
  alphas: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a3);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    a += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    b += bStride;
  }
  finish(c, c00, alphas);
  finish(c + 16, c01, alphas);
  c += cStride;
  const alpha1 = alphas == 0 ? <usize>0 : alphas + 4;
  finish(c, c10, alpha1);
  finish(c + 16, c11, alpha1);
  c += cStride;
  const alpha2 = alphas == 0 ? <usize>0 : alphas + 8;
  finish(c, c20, alpha2);
  finish(c + 16, c21, alpha2);
  c += cStride;
  const alpha3 = alphas == 0 ? <usize>0 : alphas + 12;
  finish(c, c30, alpha3);
  finish(c + 16, c31, alpha3);
}

function product1x1(a: usize, b: usize, bStride: usize, depth: i32, c: usize, alphas: usize): void {
  let c00 = f32x4.splat(0);
  for (let k = 0; k < depth; k++) {
    const x = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(x, v128.load(b)));
    a += 4;
    b += bStride;
  }
  finish(c, c00, alphas);
}
