/**
 * Products of f32, f16 and bf16 weights with f32 activations: 8 output features by 1 or 4 rows, 16 by 1. Inputs are
 * summed one after the other, the same in every tile. A tile of 8 takes a range of inputs and goes on from the sums in
 * y. `type` is a literal at every call.
 *
 * Packed: per input k the weights of the 8 features, side by side.
 */
import { Constant, constant, halfHigh, halfLow } from "../constants";
import { PackedType } from "../opcodes";

/** Bytes of 8 packed weights. */
@inline
export function plainBytes(type: PackedType): usize {
  return type == PackedType.F32 ? 32 : 16;
}

@inline
function low(type: PackedType, w: usize, mask: v128, scale: v128): v128 {
  if (type == PackedType.F32) return v128.load(w);
  const bits = v128.load(w);
  return type == PackedType.F16 ? halfLow(bits, mask, scale) : i32x4.shl(i32x4.extend_low_i16x8_u(bits), 16);
}

@inline
function high(type: PackedType, w: usize, mask: v128, scale: v128): v128 {
  if (type == PackedType.F32) return v128.load(w, 16);
  const bits = v128.load(w);
  return type == PackedType.F16 ? halfHigh(bits, mask, scale) : i32x4.shl(i32x4.extend_high_i16x8_u(bits), 16);
}

/** The sums to go on from. */
@inline
function sums(first: bool, y: usize): v128 {
  return first ? f32x4.splat(0) : v128.load(y);
}

@inline
export function plainRow(type: PackedType, w: usize, x: usize, width: i32, y: usize): void {
  const mask = constant(Constant.HalfMask);
  const scale = constant(Constant.HalfScale);
  let y0 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  for (let k = 0; k < width; k++) {
    const v = v128.load32_splat(x);
    y0 = f32x4.add(y0, f32x4.mul(v, low(type, w, mask, scale)));
    y1 = f32x4.add(y1, f32x4.mul(v, high(type, w, mask, scale)));
    w += plainBytes(type);
    x += 4;
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
}

/** Two groups of 8 features, `groupBytes` apart: four sums hide the latency of one addition better than two. */
@inline
export function plainPair(type: PackedType, w: usize, groupBytes: usize, x: usize, width: i32, y: usize): void {
  const mask = constant(Constant.HalfMask);
  const scale = constant(Constant.HalfScale);
  let y0 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  let y2 = f32x4.splat(0);
  let y3 = f32x4.splat(0);
  let v = w + groupBytes;
  for (let k = 0; k < width; k++) {
    const input = v128.load32_splat(x);
    y0 = f32x4.add(y0, f32x4.mul(input, low(type, w, mask, scale)));
    y1 = f32x4.add(y1, f32x4.mul(input, high(type, w, mask, scale)));
    y2 = f32x4.add(y2, f32x4.mul(input, low(type, v, mask, scale)));
    y3 = f32x4.add(y3, f32x4.mul(input, high(type, v, mask, scale)));
    w += plainBytes(type);
    v += plainBytes(type);
    x += 4;
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
  v128.store(y, y2, 32);
  v128.store(y, y3, 48);
}

/** Four rows by f32 weights. */
export function plainTile4(
  first: bool,
  w: usize,
  x: usize,
  xStride: usize,
  width: i32,
  y: usize,
  yStride: usize,
): void {
  let y00 = sums(first, y);
  let y01 = sums(first, y + 16);
  let y10 = sums(first, y + yStride);
  let y11 = sums(first, y + yStride + 16);
  let y20 = sums(first, y + yStride * 2);
  let y21 = sums(first, y + yStride * 2 + 16);
  let y30 = sums(first, y + yStride * 3);
  let y31 = sums(first, y + yStride * 3 + 16);
  let x1 = x + xStride;
  let x2 = x1 + xStride;
  let x3 = x2 + xStride;
  for (let k = 0; k < width; k++) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    let v = v128.load32_splat(x);
    y00 = f32x4.add(y00, f32x4.mul(v, w0));
    y01 = f32x4.add(y01, f32x4.mul(v, w1));
    v = v128.load32_splat(x1);
    y10 = f32x4.add(y10, f32x4.mul(v, w0));
    y11 = f32x4.add(y11, f32x4.mul(v, w1));
    v = v128.load32_splat(x2);
    y20 = f32x4.add(y20, f32x4.mul(v, w0));
    y21 = f32x4.add(y21, f32x4.mul(v, w1));
    v = v128.load32_splat(x3);
    y30 = f32x4.add(y30, f32x4.mul(v, w0));
    y31 = f32x4.add(y31, f32x4.mul(v, w1));
    w += 32;
    x += 4;
    x1 += 4;
    x2 += 4;
    x3 += 4;
  }
  v128.store(y, y00);
  v128.store(y, y01, 16);
  y += yStride;
  v128.store(y, y10);
  v128.store(y, y11, 16);
  y += yStride;
  v128.store(y, y20);
  v128.store(y, y21, 16);
  y += yStride;
  v128.store(y, y30);
  v128.store(y, y31, 16);
}

/** Writes a range of packed weights as f32. */
@inline
export function widen(type: PackedType, w: usize, inputs: i32, target: usize): void {
  const mask = constant(Constant.HalfMask);
  const scale = constant(Constant.HalfScale);
  for (let k = 0; k < inputs; k++) {
    v128.store(target, low(type, w, mask, scale));
    v128.store(target, high(type, w, mask, scale), 16);
    w += plainBytes(type);
    target += 32;
  }
}
