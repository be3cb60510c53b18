// Matrix products of f32, f16 and bf16 weights with f32 activations. Inputs are summed one after the other, whatever
// the tile; several groups side by side hide the latency of the sums. Packed: per input the weights of 8 features.
#pragma once

#include "../engine/packed.h"
#include "lanes.h"

namespace millet::MILLET_LEVEL {

template <class L, PackedType kType>
MILLET_INLINE typename L::F plain_weights(const uint8_t* w, int64_t group_bytes) {
  if constexpr (kType == PackedType::F32) return L::singles(w, group_bytes);
  else if constexpr (kType == PackedType::F16) return L::halves(w, group_bytes);
  else return L::brains(w, group_bytes);
}

// kColumns times the lanes' features by kTokens rows; rows of x lie `x_stride` floats apart.
template <class L, PackedType kType, int kColumns, int kTokens>
MILLET_INLINE void plain_tile(const uint8_t* w, int64_t group_bytes, const float* x, int64_t x_stride, int32_t width,
                              float* y, int64_t y_stride) {
  constexpr int64_t kBytes = kType == PackedType::F32 ? 32 : 16;
  typename L::F acc[kColumns][kTokens];
  for (int c = 0; c < kColumns; c++) {
    for (int t = 0; t < kTokens; t++) acc[c][t] = L::zero();
  }
  for (int64_t k = 0; k < width; k++) {
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; c++) {
      const auto weights = plain_weights<L, kType>(w + k * kBytes + c * L::kGroups * group_bytes, group_bytes);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; t++) {
        acc[c][t] = L::add(acc[c][t], L::mul(L::splat(x + t * x_stride + k), weights));
      }
    }
  }
  for (int c = 0; c < kColumns; c++) {
    for (int t = 0; t < kTokens; t++) L::store(y + t * y_stride + c * L::kGroups * 8, acc[c][t]);
  }
}

}  // namespace millet::MILLET_LEVEL
