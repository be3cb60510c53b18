// Matrix products of 4-bit weights: 8 or 16 output features by 1 or several rows of quantized activations. Per block of 32
// inputs the integer dot product is exact; blocks are added in order with one expression, the same for any tile and
// level. The packed block is described in ../assembly/kernels/linear-nibble.ts.
#pragma once

#include "../engine/packed.h"
#include "lanes.h"

namespace millet::MILLET_LEVEL {

// Adds a block's products to the sums of row `t`. Q4_0 is scale * (q - 8): its dot starts from -8 times the sum of the
// activations. Q4_1 is scale * q + minimum.
template <class L, bool kAffine>
MILLET_INLINE typename L::F add_nibble_block(typename L::F acc, typename L::F scale, typename L::F minimum,
                                             typename L::I dot, const uint8_t* statistics) {
  const auto product = L::mul(L::mul(scale, L::splat(statistics)), L::convert(dot));
  if (!kAffine) return L::add(acc, product);
  return L::add(acc, L::add(product, L::mul(minimum, L::splat(statistics + 8))));
}

// One tile. `x` is the first row's block 0; groups of four rows lie `x_four` bytes apart.
template <class L, PackedType kType, int kTokens, bool kStream>
MILLET_INLINE void nibble_tile(const uint8_t* w, int64_t group_bytes, const uint8_t* x, int64_t x_four, int32_t blocks,
                               float* y, int64_t y_stride) {
  constexpr bool kAffine = kType == PackedType::Q4_1;
  constexpr int64_t kXBlock = kTokens == 1 ? Activations::BlockBytes : Activations::GroupBytes;
  constexpr int64_t kStatistics = kTokens == 1 ? Activations::SingleStatistics : Activations::GroupStatistics;
  static const int32_t kNoBias = 0;
  typename L::F acc[kTokens];
  for (int t = 0; t < kTokens; t++) acc[t] = L::zero();
  for (int32_t b = 0; b < blocks; b++) {
    if (kStream) prefetch<L::kPrefetchBytes, packed_block_bytes(kType)>(w);
    typename L::I sum[kTokens];
#pragma GCC unroll 16
    for (int t = 0; t < kTokens; t++) {
      sum[t] = L::begin_nibbles(kAffine ? static_cast<const void*>(&kNoBias)
                                        : x + (t >> 2) * x_four + kStatistics + (t & 3) * 16 + 4);
    }
    const auto scale = L::halves(w, group_bytes);
    const auto minimum = kAffine ? L::halves(w + 16, group_bytes) : scale;
    const uint8_t* q = w + (kAffine ? 32 : 16);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      const auto both = L::bytes32(q + 32 * j, group_bytes);
      const auto low = L::low_nibbles(both);
      const auto high = L::high_nibbles(both);
#pragma GCC unroll 16
      for (int t = 0; t < kTokens; t++) {
        const uint8_t* v = x + (t >> 2) * x_four + (t & 3) * 32 + 8 * j;
        sum[t] = L::dot_nibbles(sum[t], low, L::activation(v));
        sum[t] = L::dot_nibbles(sum[t], high, L::activation(v + 4));
      }
    }
#pragma GCC unroll 16
    for (int t = 0; t < kTokens; t++) {
      const uint8_t* statistics = x + (t >> 2) * x_four + kStatistics + (t & 3) * 16;
      const auto dot = L::end_nibbles(sum[t], kAffine ? static_cast<const void*>(&kNoBias) : statistics + 4);
      acc[t] = add_nibble_block<L, kAffine>(acc[t], scale, minimum, dot, statistics);
    }
    w += packed_block_bytes(kType);
    x += kXBlock;
  }
  for (int t = 0; t < kTokens; t++) L::store(y + t * y_stride, acc[t]);
}

}  // namespace millet::MILLET_LEVEL
