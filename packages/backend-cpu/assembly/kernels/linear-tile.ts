/**
 * Products of unpacked weights with four or eight rows of quantized activations. The lanes of a vector are rows, so that
 * neither side is broadcast in the loop: eight sums, two loads of activations and four of weights for eight products.
 * Per block of 32 inputs the integer sums are exact; blocks are added in order, the same as in the one-row kernels.
 * `mode`, `kind` and `pair` are literals.
 */
import { Dot } from "../dot";
import { Kind, TileWork, Unpacked, unpackedBytes, upperFeatures } from "./unpacked";

/** Parts of a block whose integer sums are scaled on their own. */
@inline
export function parts(kind: Kind): i32 {
  return kind >= Kind.Halves ? 2 : 1;
}

/** acc + x . w */
@inline
function dot(mode: Dot, acc: v128, x: v128, w: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (mode == Dot.Sixteen) return i16x8.add(acc, i16x8.relaxed_dot_i8x16_i7x16_s(x, w));
    return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w, acc);
  }
  return acc;
}

/** What the codes' offset adds to the sum of a part; `statistics` are the block's. */
@inline
function start(kind: Kind, statistics: usize, part: i32, work: usize): v128 {
  if (kind == Kind.Minimum || kind == Kind.HalvesMinimum) return i32x4.splat(0);
  const bias = v128.load(work, TileWork.Bias);
  if (kind == Kind.Plain) return i32x4.mul(v128.load(statistics, 16), bias);
  const first = v128.load(statistics, 48);
  return i32x4.mul(part == 0 ? first : i32x4.sub(v128.load(statistics, 16), first), bias);
}

/** A part's sum as i32, with its start. */
@inline
function partSum(mode: Dot, sum: v128, started: v128): v128 {
  return mode == Dot.Sixteen ? i32x4.add(started, i32x4.extadd_pairwise_i16x8_s(sum)) : sum;
}

/** The sum of a block from that of its first 16 inputs, kept at `work`, and that of a part. */
@inline
function scalePart(part: i32, work: usize, scale: v128, sum: v128): void {
  const product = i32x4.mul(scale, sum);
  v128.store(work, part == 0 ? product : i32x4.add(v128.load(work), product));
}

/** Adds to the results at `c` what a block adds; `w` is the feature's unpacked block, `sum` the exact integer. */
@inline
export function accumulate(kind: Kind, c: usize, w: usize, scale: v128, statistics: usize, xScale: v128, sum: v128): void {
  let product = f32x4.mul(f32x4.mul(scale, xScale), f32x4.convert_i32x4_s(sum));
  if (kind == Kind.Minimum) {
    product = f32x4.add(product, f32x4.mul(v128.load(w, Unpacked.Minimum), v128.load(statistics, 32)));
  }
  if (kind == Kind.HalvesMinimum) {
    const first = v128.load(statistics, 48);
    const last = i32x4.sub(v128.load(statistics, 16), first);
    const low = i32x4.add(
      i32x4.mul(v128.load(w, Unpacked.FirstMinimum), first),
      i32x4.mul(v128.load(w, Unpacked.LastMinimum), last),
    );
    const factor = f32x4.mul(v128.load(w, Unpacked.HalvesMinimum), xScale);
    product = f32x4.sub(product, f32x4.mul(factor, f32x4.convert_i32x4_s(low)));
  }
  v128.store(c, f32x4.add(v128.load(c), product));
}

/**
 * With `pair` four features by the eight rows at `x` and `x2`, without it eight features by the four rows at `x`. Sums
 * are added to `c`: for feature f of the first four at 32 f rows of `x`, then at 32 f + 16 rows of `x2` or feature f + 4.
 * @param work TileWork.ByteLength bytes, of which the bias has been written
 */
@inline
export function tile(
  mode: Dot,
  kind: Kind,
  pair: bool,
  w: usize,
  x: usize,
  x2: usize,
  blocks: i32,
  c: usize,
  work: usize,
): void {
  const zero = i32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    const block = w;
    const statistics = x + 128;
    const statistics2 = x2 + 128;
    for (let part = 0; ; part++) {
      let started = start(kind, statistics, part, work);
      let started2 = pair ? start(kind, statistics2, part, work) : started;
      let a0 = mode == Dot.Sixteen ? zero : started;
      let b0 = mode == Dot.Sixteen ? zero : started2;
      let a1 = a0;
      let a2 = a0;
      let a3 = a0;
      let b1 = b0;
      let b2 = b0;
      let b3 = b0;
      for (let j = parts(kind) == 2 ? 2 : 0; j < 4; j++) {
        let v = v128.load(x);
        let u = pair ? v128.load(x2) : v;
        let q = v128.load(w);
        a0 = dot(mode, a0, v, q);
        b0 = dot(mode, b0, u, pair ? q : v128.load(w + upperFeatures(kind)));
        q = v128.load(w, 16);
        a1 = dot(mode, a1, v, q);
        b1 = dot(mode, b1, u, pair ? q : v128.load(w + upperFeatures(kind), 16));
        q = v128.load(w, 32);
        a2 = dot(mode, a2, v, q);
        b2 = dot(mode, b2, u, pair ? q : v128.load(w + upperFeatures(kind), 32));
        q = v128.load(w, 48);
        a3 = dot(mode, a3, v, q);
        b3 = dot(mode, b3, u, pair ? q : v128.load(w + upperFeatures(kind), 48));
        v = v128.load(x, 16);
        u = pair ? v128.load(x2, 16) : v;
        q = v128.load(w, 64);
        a0 = dot(mode, a0, v, q);
        b0 = dot(mode, b0, u, pair ? q : v128.load(w + upperFeatures(kind), 64));
        q = v128.load(w, 80);
        a1 = dot(mode, a1, v, q);
        b1 = dot(mode, b1, u, pair ? q : v128.load(w + upperFeatures(kind), 80));
        q = v128.load(w, 96);
        a2 = dot(mode, a2, v, q);
        b2 = dot(mode, b2, u, pair ? q : v128.load(w + upperFeatures(kind), 96));
        q = v128.load(w, 112);
        a3 = dot(mode, a3, v, q);
        b3 = dot(mode, b3, u, pair ? q : v128.load(w + upperFeatures(kind), 112));
        x += 32;
        x2 += 32;
        w += 128;
      }
      if (mode == Dot.Sixteen) {
        started = start(kind, statistics, part, work); // again: kept from before the loop, it would be spilled
        started2 = pair ? start(kind, statistics2, part, work) : started;
        a0 = partSum(mode, a0, started);
        a1 = partSum(mode, a1, started);
        a2 = partSum(mode, a2, started);
        a3 = partSum(mode, a3, started);
        b0 = partSum(mode, b0, started2);
        b1 = partSum(mode, b1, started2);
        b2 = partSum(mode, b2, started2);
        b3 = partSum(mode, b3, started2);
      }
      if (parts(kind) == 2) {
        const scales = block + (part == 0 ? <usize>Unpacked.FirstScale : <usize>Unpacked.LastScale);
        const scales2 = pair ? scales : scales + upperFeatures(kind);
        scalePart(part, work, v128.load(scales), a0);
        scalePart(part, work + 16, v128.load(scales2), b0);
        scalePart(part, work + 32, v128.load(scales, 16), a1);
        scalePart(part, work + 48, v128.load(scales2, 16), b1);
        scalePart(part, work + 64, v128.load(scales, 32), a2);
        scalePart(part, work + 80, v128.load(scales2, 32), b2);
        scalePart(part, work + 96, v128.load(scales, 48), a3);
        scalePart(part, work + 112, v128.load(scales2, 48), b3);
        if (part == 0) continue;
        a0 = v128.load(work);
        b0 = v128.load(work, 16);
        a1 = v128.load(work, 32);
        b1 = v128.load(work, 48);
        a2 = v128.load(work, 64);
        b2 = v128.load(work, 80);
        a3 = v128.load(work, 96);
        b3 = v128.load(work, 112);
      }
      const xScale = v128.load(x);
      const xScale2 = pair ? v128.load(x2) : xScale;
      const block2 = pair ? block : block + upperFeatures(kind);
      const s2 = pair ? x2 : x;
      let scale = v128.load(w);
      accumulate(kind, c, block, scale, x, xScale, a0);
      accumulate(kind, c + 16, block2, pair ? scale : v128.load(w + upperFeatures(kind)), s2, xScale2, b0);
      scale = v128.load(w, 16);
      accumulate(kind, c + 32, block + 16, scale, x, xScale, a1);
      accumulate(kind, c + 48, block2 + 16, pair ? scale : v128.load(w + upperFeatures(kind), 16), s2, xScale2, b1);
      scale = v128.load(w, 32);
      accumulate(kind, c + 64, block + 32, scale, x, xScale, a2);
      accumulate(kind, c + 80, block2 + 32, pair ? scale : v128.load(w + upperFeatures(kind), 32), s2, xScale2, b2);
      scale = v128.load(w, 48);
      accumulate(kind, c + 96, block + 48, scale, x, xScale, a3);
      accumulate(kind, c + 112, block2 + 48, pair ? scale : v128.load(w + upperFeatures(kind), 48), s2, xScale2, b3);
      break;
    }
    x += 64;
    x2 += 64;
    w += unpackedBytes(kind) - 512;
  }
}
