// Places of quantized rows in memory; the layout is described in ../assembly/activations.ts. Here the fourth word of
// the statistics holds minus the sums of inputs 0..15 and 16..31 as two i16, which one instruction multiplies with two
// scales.
#pragma once

#include "step.h"

namespace millet {

constexpr int64_t kHalfSums = 12;  // in the statistics

// Rows that stand in groups of four.
MILLET_INLINE int32_t grouped_rows(int32_t rows) { return (rows & 3) == 3 ? rows + 1 : rows & ~3; }

// Where a tile of rows finds their block 0: rows of a group of four, or single ones.
template <int kTokens>
struct RowPlaces {
  static constexpr bool kSingle = kTokens < 4;
  static constexpr int64_t kBlock = kSingle ? Activations::BlockBytes : Activations::GroupBytes;

  const uint8_t* x;  // the first row's
  int64_t stride;    // bytes between single rows, or between groups

  RowPlaces(const uint8_t* first, int32_t blocks) : x(first), stride(blocks * kBlock) {}

  const uint8_t* values(int t) const { return kSingle ? x + t * stride : x + (t >> 2) * stride + (t & 3) * 32; }
  const uint8_t* statistics(int t) const {
    return kSingle ? x + t * stride + Activations::SingleStatistics
                   : x + (t >> 2) * stride + Activations::GroupStatistics + (t & 3) * 16;
  }
};

}  // namespace millet
