// What quantize and refine take a block's scale from.
#pragma once

#include "../engine/vec.h"
#include "kernels.h"

namespace millet::MILLET_LEVEL {

// The largest magnitude of 32 values. Compared as integers, where NaN is above all, as in WASM's maximum.
MILLET_INLINE float largest_magnitude(const float* x) {
  I32x8 most = {};
  for (int i = 0; i < 32; i += 8) {
    const I32x8 bits = load<I32x8>(x + i) & 0x7fffffff;
    most = bits > most ? bits : most;
  }
  return bits_as<float>(largest_lane(most));
}

}  // namespace millet::MILLET_LEVEL
