// gelu of eight f32, exact within some 4e-7 relative and by tanh, bit for bit those of ../assembly/kernels/gelu.ts, which
// says where the polynomial comes from.
#pragma once

#include "exp.h"

namespace millet {

// x * P(X <= x) for a standard normal X.
MILLET_INLINE F32x8 gelu8(F32x8 x) {
  const F32x8 size = bits_as<F32x8>(bits_as<I32x8>(x) & INT32_MAX);
  const F32x8 t = 1.0f / (1.0f + 0.35f * size);
  F32x8 q = splat8(-0.029109057039022446f);
  q = q * t + 0.14378881454467773f;
  q = q * t + -0.2553284466266632f;
  q = q * t + 0.15872329473495483f;
  q = q * t + -0.022791584953665733f;
  q = q * t + 0.10536953061819077f;
  q = q * t + 0.11986900866031647f;
  q = q * t + 0.1398567110300064f;
  q = q * t + 0.13962170481681824f;
  const F32x8 tail = (q * t) * exp8((x * x) * -0.5f);
  return x * (x < 0.0f ? tail : 1.0f - tail);
}

// x / (1 + e^(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3).
MILLET_INLINE F32x8 gelu_tanh8(F32x8 x) {
  const F32x8 cubic = 0.07135481627260025f * (x * x);
  const F32x8 u2 = x * (cubic + 1.5957691216057308f);
  return x / (1.0f + exp8(-u2));
}

}  // namespace millet
