// exp of eight f32 within about 1e-7 relative, bit for bit that of ../assembly/kernels/exp.ts: 2^n * e^r with r in
// [-ln2/2, ln2/2], e^r by its Taylor polynomial of degree 7, ln2 in two parts (Cody and Waite 1980). 0 below -87.
#pragma once

#include "../engine/vec.h"

namespace millet {

MILLET_INLINE F32x8 exp8(F32x8 x) {
  F32x8 clamped = x < 88.0f ? x : splat8(88.0f);
  clamped = clamped > -87.0f ? clamped : splat8(-87.0f);
  const F32x8 n = nearest(clamped * 1.4426950408889634f);
  F32x8 r = clamped - n * 0.693359375f;
  r = r - n * -2.12194440054690583e-4f;
  F32x8 p = splat8(static_cast<float>(1.0 / 5040.0));
  p = p * r + static_cast<float>(1.0 / 720.0);
  p = p * r + static_cast<float>(1.0 / 120.0);
  p = p * r + static_cast<float>(1.0 / 24.0);
  p = p * r + static_cast<float>(1.0 / 6.0);
  p = p * r + 0.5f;
  p = p * r * r + (r + 1.0f);
  const I32x8 power = (__builtin_convertvector(n, I32x8) + 127) << 23;
  return bits_as<F32x8>(bits_as<I32x8>(p * bits_as<F32x8>(power)) & (x >= -87.0f));
}

MILLET_INLINE float exp1(float x) { return exp8(splat8(x))[0]; }

}  // namespace millet
