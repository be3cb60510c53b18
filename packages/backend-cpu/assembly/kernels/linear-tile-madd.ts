/**
 * The product of linear-tile.ts for engines without a dot product of bytes: four features by four rows, activations
 * widened to 16 bits and multiplied with unpacked weights of 16 bits. Same sums, same order.
 */
import { addPairs } from "../dot";
import { accumulate, parts } from "./linear-tile";
import { Kind, Unpacked, unpackedBytes } from "./unpacked";

/** Adds to `c`, for feature f at 32 f, the four rows at `x`. */
@inline
export function tileMadd(kind: Kind, w: usize, x: usize, blocks: i32, c: usize): void {
  const zero = i32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    const block = w;
    let s0 = zero;
    let s1 = zero;
    let s2 = zero;
    let s3 = zero;
    for (let part = 0; part < parts(kind); part++) {
      let l0 = zero;
      let l1 = zero;
      let l2 = zero;
      let l3 = zero;
      let h0 = zero;
      let h1 = zero;
      let h2 = zero;
      let h3 = zero;
      for (let e = parts(kind) == 2 ? 4 : 0; e < 8; e++) {
        const v = v128.load(x);
        const low = i16x8.extend_low_i8x16_s(v);
        const high = i16x8.extend_high_i8x16_s(v);
        let q = v128.load(w);
        l0 = i32x4.add(l0, i32x4.dot_i16x8_s(low, q));
        h0 = i32x4.add(h0, i32x4.dot_i16x8_s(high, q));
        q = v128.load(w, 16);
        l1 = i32x4.add(l1, i32x4.dot_i16x8_s(low, q));
        h1 = i32x4.add(h1, i32x4.dot_i16x8_s(high, q));
        q = v128.load(w, 32);
        l2 = i32x4.add(l2, i32x4.dot_i16x8_s(low, q));
        h2 = i32x4.add(h2, i32x4.dot_i16x8_s(high, q));
        q = v128.load(w, 48);
        l3 = i32x4.add(l3, i32x4.dot_i16x8_s(low, q));
        h3 = i32x4.add(h3, i32x4.dot_i16x8_s(high, q));
        x += 16;
        w += 64;
      }
      if (parts(kind) == 2) {
        const scales = block + (part == 0 ? <usize>Unpacked.FirstScale : <usize>Unpacked.LastScale);
        s0 = i32x4.add(s0, i32x4.mul(v128.load(scales), addPairs(l0, h0)));
        s1 = i32x4.add(s1, i32x4.mul(v128.load(scales, 16), addPairs(l1, h1)));
        s2 = i32x4.add(s2, i32x4.mul(v128.load(scales, 32), addPairs(l2, h2)));
        s3 = i32x4.add(s3, i32x4.mul(v128.load(scales, 48), addPairs(l3, h3)));
      } else {
        s0 = addPairs(l0, h0);
        s1 = addPairs(l1, h1);
        s2 = addPairs(l2, h2);
        s3 = addPairs(l3, h3);
      }
    }
    const xScale = v128.load(x);
    accumulate(kind, c, block, v128.load(w), x, xScale, s0);
    accumulate(kind, c + 32, block + 16, v128.load(w, 16), x, xScale, s1);
    accumulate(kind, c + 64, block + 32, v128.load(w, 32), x, xScale, s2);
    accumulate(kind, c + 96, block + 48, v128.load(w, 48), x, xScale, s3);
    x += 64;
    w += unpackedBytes(kind) - 512;
  }
}
