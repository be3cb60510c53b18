// Matrix products of 8-bit weights; see linear-codes.h for the order of summation and
// ../assembly/kernels/linear-byte.ts for the packed block.
#pragma once

#include "../engine/activations.h"
#include "../engine/packed.h"
#include "lanes.h"

namespace millet::MILLET_LEVEL {

template <class L, PackedType kType, int kTokens, bool kStream>
MILLET_INLINE void byte_tile(const uint8_t* w, int64_t group_bytes, const uint8_t* x, int32_t blocks, float* y,
                             int64_t y_stride) {
  RowPlaces<kTokens> rows(x, blocks);
  typename L::F acc[kTokens];
  for (int t = 0; t < kTokens; t++) acc[t] = L::zero();
  for (int32_t b = 0; b < blocks; b++) {
    if (kStream) prefetch<L::kPrefetchBytes, packed_block_bytes(kType), L::kGroups>(w, group_bytes);
    typename L::I sum[kTokens];
#pragma GCC unroll 16
    for (int t = 0; t < kTokens; t++) sum[t] = L::begin_bytes(rows.statistics(t) + 4);
#pragma GCC unroll 8
    for (int j = 0; j < 8; j += L::kVectors) {
      typename L::Bytes weights[L::kVectors];
      for (int i = 0; i < L::kVectors; i++) weights[i] = L::weights8(L::bytes32(w + 16 + 32 * (j + i), group_bytes));
#pragma GCC unroll 16
      for (int t = 0; t < kTokens; t++) sum[t] = L::dot_bytes(sum[t], weights, rows.values(t) + 4 * j);
    }
    const auto scale = L::halves(w, group_bytes);
#pragma GCC unroll 16
    for (int t = 0; t < kTokens; t++) {
      acc[t] = L::add(acc[t], L::mul(L::mul(scale, L::splat(rows.statistics(t))), L::convert(sum[t])));
    }
    w += packed_block_bytes(kType);
    rows.x += rows.kBlock;
  }
  for (int t = 0; t < kTokens; t++) L::store(y + t * y_stride, acc[t]);
}

}  // namespace millet::MILLET_LEVEL
