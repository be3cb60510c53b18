// Rotation of one head (Su et al. 2021, arXiv 2104.09864) by the host's table of cosines and sines.
#pragma once

#include "../engine/step.h"
#include "../engine/vec.h"

namespace millet {

// The cosines of a row; its sines follow.
MILLET_INLINE const float* rotation_of(const uint8_t* table, int64_t row, int32_t pairs) {
  return reinterpret_cast<const float*>(table + row * pairs * 8);
}

// Rotates one head and multiplies it by `scale`; elements past the rotated part are only scaled.
MILLET_INLINE void rotate(const float* x, const float* table, int32_t pairs, bool interleaved, int32_t head_dim,
                          float scale, float* y) {
  const int64_t step = interleaved ? 2 : 1;
  const int64_t partner = interleaved ? 1 : pairs;
  for (int32_t i = 0; i < pairs; i++) {
    const float a = x[i * step];
    const float b = x[i * step + partner];
    const float cos = table[i];
    const float sin = table[pairs + i];
    y[i * step] = (a * cos - b * sin) * scale;
    y[i * step + partner] = (a * sin + b * cos) * scale;
  }
  for (int32_t i = pairs * 2; i < head_dim; i++) y[i] = x[i] * scale;
}

}  // namespace millet
