/**
 * v128 constants kept in memory. `load` through a mutable base address keeps V8 and Binaryen from folding them back
 * into constants, so that one register holds them through a loop.
 */
import { Fixed } from "./memory";

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
