// exp of vectors of f32 within about 1e-7 relative, bit for bit that of ../assembly/kernels/exp.ts: 2^n * e^r with r in
// [-ln2/2, ln2/2], e^r by its Taylor polynomial of degree 7, ln2 in two parts (Cody and Waite 1980). 0 below -87.
#pragma once

#include "../engine/vec.h"

namespace millet {

// exp from -87 to 88.
template <class V>
MILLET_INLINE V exp_within(V clamped) {
  using Integers = decltype(clamped < clamped);
  const V n = nearest(clamped * 1.4426950408889634f);
  V r = clamped - n * 0.693359375f;
  r = r - n * -2.12194440054690583e-4f;
  V p = static_cast<float>(1.0 / 5040.0) * r + static_cast<float>(1.0 / 720.0);
  p = p * r + static_cast<float>(1.0 / 120.0);
  p = p * r + static_cast<float>(1.0 / 24.0);
  p = p * r + static_cast<float>(1.0 / 6.0);
  p = p * r + 0.5f;
  p = p * r * r + (r + 1.0f);
  const Integers power = (__builtin_convertvector(n, Integers) + 127) << 23;
  return p * bits_as<V>(power);
}

MILLET_INLINE F32x8 exp8(F32x8 x) {
  F32x8 clamped = x < 88.0f ? x : splat8(88.0f);
  clamped = clamped > -87.0f ? clamped : splat8(-87.0f);
  return bits_as<F32x8>(bits_as<I32x8>(exp_within(clamped)) & (x >= -87.0f));
}

// The bits of exp8 for x <= 0; of NaN NaN, where exp8 gives 0.
template <class V>
MILLET_INLINE V exp_nonpositive(V x) {
  using Integers = decltype(x < x);
  const Integers is_low = x < -87.0f;
  return bits_as<V>(bits_as<Integers>(exp_within<V>(is_low ? V{} - 87.0f : x)) & ~is_low);
}

MILLET_INLINE float exp1(float x) { return exp8(splat8(x))[0]; }

}  // namespace millet
