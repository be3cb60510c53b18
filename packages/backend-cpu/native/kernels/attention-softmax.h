// A span of cached rows in the online softmax: which rows are visible, and how scores become probabilities.
#pragma once

#include "attention-product.h"
#include "attention-tile.h"
#include "tanh.h"

namespace millet {

// Whether every one of n queries sees every row of a block, so that it needs no mask; `rows` belong to the sequence.
MILLET_INLINE bool sees_all(const Tile& tile, const uint32_t* step, int n, const uint8_t* block, int32_t rows) {
  if (rows < KvBlock::Rows) return false;
  int32_t first = tile.positions[0];
  int32_t last = first;
  for (int i = 1; i < n; i++) {
    first = min(first, tile.positions[i]);
    last = max(last, tile.positions[i]);
  }
  const int32_t window = word(step, AttentionOperand::Window);
  const bool causal = word(step, AttentionOperand::Causal) != 0;
  I32x8 hidden = {};
  for (int r = 0; r < KvBlock::Rows; r += 8) {
    const I32x8 key = load<I32x8>(block + r * 4);
    if (causal) hidden |= key > first;
    if (window != 0) hidden |= (last - key) >= window;
  }
  return sum_lanes(hidden) == 0;  // lanes are 0 or -1
}

// Writes the masks of n queries on block j of a span, of which `rows` rows belong to the sequence.
// Returns false if no query sees any row.
MILLET_INLINE bool mask_block(const Tile& tile, const uint32_t* step, int n, const uint8_t* block, int32_t rows,
                              int j) {
  const bool causal = word(step, AttentionOperand::Causal) != 0;
  const int32_t window = word(step, AttentionOperand::Window);
  I32x8 any = {};
  for (int i = 0; i < n; i++) {
    const int32_t query = tile.positions[i];
    I32x8 lane = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int r = 0; r < 32; r += 8) {
      const I32x8 key = load<I32x8>(block + r * 4);
      I32x8 mask = lane < rows;
      if (causal) mask &= key <= query;
      if (window != 0) mask &= (query - key) < window;
      store(tile.masks + i * kSpanRows + j * 32 + r, mask);
      any |= mask;
      lane += 8;
    }
  }
  return sum_lanes(any) != 0;  // lanes are 0 or -1
}

// softCap * tanh(score / softCap)
MILLET_INLINE void cap_scores(float* row, int rows, float soft_cap) {
  for (int j = 0; j < rows; j += 8) {
    store(row + j, soft_cap * tanh8(load<F32x8>(row + j) / soft_cap));
  }
}

// Scores of query i to probabilities relative to the new maximum; updates m, l and alpha. NaN stays NaN. The sum runs
// over four lanes as in ../assembly/kernels/attention-softmax.ts. Without masks every row is visible.
template <bool kMasked>
MILLET_INLINE void softmax_row(const Tile& tile, int i, int rows) {
  float* row = tile.scores + i * kSpanRows;
  const int32_t* mask = tile.masks + i * kSpanRows;
  using Integers = decltype(Widest{} < Widest{});
  constexpr int kLanes = sizeof(Widest) / 4;
  const Widest none = Widest{} + kNoScore;
  Widest most = none;
  for (int j = 0; j < rows; j += kLanes) {
    Widest seen = load<Widest>(row + j);
    if constexpr (kMasked) seen = load<Integers>(mask + j) != 0 ? seen : none;
    most = seen > most ? seen : most;
  }
  const float before = tile.segment_maximum[i];
  const float largest = largest_lane(most);
  const float maximum = before > largest ? before : largest;
  const float alpha = exp1(before - maximum);
  F32x4 sum = splat4(0);
  for (int j = 0; j < rows; j += kLanes) {
    Widest p = exp_nonpositive<Widest>(load<Widest>(row + j) - maximum);
    if constexpr (kMasked) p = bits_as<Widest>(bits_as<Integers>(p) & load<Integers>(mask + j));
    store(row + j, p);
    for (int lane = 0; lane < kLanes; lane += 4) sum += load<F32x4>(row + j + lane);
  }
  tile.segment_maximum[i] = maximum;
  tile.alphas[i] = alpha;
  tile.segment_sum[i] = tile.segment_sum[i] * alpha + ((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

MILLET_INLINE void softmax_span(const Tile& tile, const uint32_t* step, int n, int rows, bool masked) {
  const float soft_cap = real(step, AttentionOperand::SoftCap);
  for (int i = 0; i < n; i++) {
    if (soft_cap != 0) cap_scores(tile.scores + i * kSpanRows, rows, soft_cap);
    if (masked) softmax_row<true>(tile, i, rows);
    else softmax_row<false>(tile, i, rows);
  }
}

}  // namespace millet
