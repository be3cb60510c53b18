/**
 * v128 constants kept in memory. `load` through a mutable base address keeps V8 and Binaryen from folding them back
 * into constants, so that one register holds them through a loop.
 */
import { Fixed } from "./memory";

/** 1.5 * 2^23: adding it rounds to a whole number, to even, that stands in the low bits. */
export const ROUNDER: f32 = 12582912;

export enum Constant {
  NibbleMask = 0,
  /** XOR that turns signed bytes into unsigned ones offset by 128. */
  SignBits = 16,
  /** f16 bits shifted left by 13 keep their sign, exponent and mantissa under this mask. */
  HalfMask = 32,
  /** 2^112: moves the exponent bias of f16 to that of f32, subnormals included. */
  HalfScale = 48,
  /** The 16 signed levels of iq4_nl and iq4_xs. */
  Levels = 64,
  One = 80,
  Half = 96,
  /** Of exp (kernels/exp.ts). */
  ExpMost = 112,
  ExpLeast = 128,
  Log2E = 144,
  Rounder = 160,
  Ln2High = 176,
  Ln2Low = 192,
  /** Of e^x: 1 / n!, from 3 to 7. */
  Exp3 = 208,
  Exp4 = 224,
  Exp5 = 240,
  Exp6 = 256,
  Exp7 = 272,
  ExponentBias = 288,
  /** Of gelu's polynomial, from the lowest power to the highest (kernels/gelu.ts). */
  Gelu0 = 304,
  Gelu1 = 320,
  Gelu2 = 336,
  Gelu3 = 352,
  Gelu4 = 368,
  Gelu5 = 384,
  Gelu6 = 400,
  Gelu7 = 416,
  Gelu8 = 432,
  /** 2^13 and 0 as i16: a dot product with it widens the even i16 and shifts them as `HalfMask` wants it. */
  HalfShift = 448,
  /** As `Rounder`, 128 more. */
  SignedRounder = 464,
  /** Turns the lower plane of numbers that are 128 too large into their signed low bytes. */
  LowSigns = 480,
  /** Bytes 1, then bytes 0 of four lanes. */
  PlaneOrder = 496,
  Zero = 512,
}

let base: usize = Fixed.Constants;

/** Writes the constants; every thread writes the same bytes. */
export function initializeConstants(): void {
  base = Fixed.Constants;
  v128.store(base + Constant.NibbleMask, i8x16.splat(15));
  v128.store(base + Constant.SignBits, i8x16.splat(-128));
  v128.store(base + Constant.HalfMask, i32x4.splat(0x8fffe000));
  v128.store(base + Constant.HalfScale, f32x4.splat(5.192296858534828e33));
  const levels = i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
  v128.store(base + Constant.Levels, levels);
  v128.store(base + Constant.One, f32x4.splat(1));
  v128.store(base + Constant.Half, f32x4.splat(0.5));
  v128.store(base + Constant.ExpMost, f32x4.splat(88));
  v128.store(base + Constant.ExpLeast, f32x4.splat(-87));
  v128.store(base + Constant.Log2E, f32x4.splat(1.4426950408889634));
  v128.store(base + Constant.Rounder, f32x4.splat(ROUNDER));
  v128.store(base + Constant.Ln2High, f32x4.splat(0.693359375));
  v128.store(base + Constant.Ln2Low, f32x4.splat(2.12194440054690583e-4));
  v128.store(base + Constant.Exp3, f32x4.splat(1.0 / 6.0));
  v128.store(base + Constant.Exp4, f32x4.splat(1.0 / 24.0));
  v128.store(base + Constant.Exp5, f32x4.splat(1.0 / 120.0));
  v128.store(base + Constant.Exp6, f32x4.splat(1.0 / 720.0));
  v128.store(base + Constant.Exp7, f32x4.splat(1.0 / 5040.0));
  v128.store(base + Constant.ExponentBias, i32x4.splat(127));
  v128.store(base + Constant.Gelu0, f32x4.splat(0.13962170481681824));
  v128.store(base + Constant.Gelu1, f32x4.splat(0.1398567110300064));
  v128.store(base + Constant.Gelu2, f32x4.splat(0.11986900866031647));
  v128.store(base + Constant.Gelu3, f32x4.splat(0.10536953061819077));
  v128.store(base + Constant.Gelu4, f32x4.splat(-0.022791584953665733));
  v128.store(base + Constant.Gelu5, f32x4.splat(0.15872329473495483));
  v128.store(base + Constant.Gelu6, f32x4.splat(-0.2553284466266632));
  v128.store(base + Constant.Gelu7, f32x4.splat(0.14378881454467773));
  v128.store(base + Constant.Gelu8, f32x4.splat(-0.029109057039022446));
  v128.store(base + Constant.SignedRounder, f32x4.splat(ROUNDER + 128));
  v128.store(base + Constant.LowSigns, i8x16(0, 0, 0, 0, -128, -128, -128, -128, 0, 0, 0, 0, 0, 0, 0, 0));
  v128.store(base + Constant.PlaneOrder, i8x16(1, 5, 9, 13, 0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0));
  v128.store(base + Constant.Zero, i32x4.splat(0));
  v128.store(base + Constant.HalfShift, i32x4.splat(1 << 13));
}

@inline
export function constant(name: Constant): v128 {
  return v128.load(base + name);
}

/** One signed byte of a constant. */
@inline
export function constantByte(name: Constant, index: i32): i32 {
  return load<i8>(base + name + index);
}

/** The low four f16 of `h` as f32. Finite values only: f16 infinities come out as 65536 and up. */
@inline
export function halfLow(h: v128, mask: v128, scale: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(h), 13), mask), scale);
}

/** The high four f16 of `h` as f32. */
@inline
export function halfHigh(h: v128, mask: v128, scale: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(h), 13), mask), scale);
}
