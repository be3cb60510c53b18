// tanh of eight f32 within some 2e-7 relative, bit for bit that of ../assembly/kernels/tanh.ts: below 0.6 Lambert's
// continued fraction up to its fifth term, beyond by e^2x.
#pragma once

#include "exp.h"

namespace millet {

MILLET_INLINE F32x8 tanh8(F32x8 x) {
  const I32x8 sign = bits_as<I32x8>(x) & INT32_MIN;
  const F32x8 size = bits_as<F32x8>(bits_as<I32x8>(x) & INT32_MAX);
  const F32x8 e = exp8(size + size);
  const F32x8 square = x * x;
  const F32x8 above = (square + 105.0f) * square + 945.0f;
  const F32x8 below = 15.0f * square + 420.0f;
  const F32x8 turned = bits_as<F32x8>(bits_as<I32x8>(e - 1.0f) | sign);
  const F32x8 numerator = size >= 0.6f ? turned : x * above;
  const F32x8 denominator = size >= 0.6f ? e + 1.0f : below * square + 945.0f;
  return numerator / denominator;
}

}  // namespace millet
