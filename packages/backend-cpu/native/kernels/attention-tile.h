// A thread's work space for a tile of up to four queries of one KV head: queries, scores, and the running softmax
// (maximum m, sum l, output o) of the current segment and of all segments so far.
#pragma once

#include "../engine/kv.h"
#include "exp.h"

namespace millet {

// Below every score, and finite, so that differences of maxima are never NaN.
constexpr float kNoScore = -1e30f;

// Rows of a span: what lies between the scores of two queries, and between their masks.
constexpr int kSpanRows = KvBlock::SpanBlocks * KvBlock::Rows;

struct Tile {
  float* scores;           // [4][kSpanRows], then probabilities
  int32_t* masks;          // [4][kSpanRows], all ones where a cached row is visible
  int32_t* positions;      // [4]
  float* segment_maximum;  // [4]
  float* segment_sum;      // [4]
  float* alphas;           // [4], factors on what was summed before
  float* total_maximum;    // [4]
  float* total_sum;        // [4]
  float* weight_units;     // [4], of q8_0: see attention-byte.h
  float* query_units;      // [4]
  int16_t* weights;        // [4][32]
  float* scales;           // [32], of a tile's rows
  float* ones;             // [32]
  float* weighted;         // [32]
  float* queries;          // [4][query_stride]; of q8_0 as i16
  float* segment_output;   // [4][output_stride]
  float* total_output;     // [4][output_stride]
  int64_t query_stride;    // floats: headDim rounded up to 32
  int64_t output_stride;   // floats: valueDim with the padding of the cache
};

MILLET_INLINE Tile open_tile(const Run& run, const uint32_t* step) {
  using Operand = AttentionOperand;
  Tile tile;
  tile.query_stride = tiles_of(word(step, Operand::HeadDim)) * 32;
  tile.output_stride = value_columns(kv_type(step, Operand::Type), word(step, Operand::ValueDim));
  float* next = floats(address(run, step, Operand::Scratch) + units(step, Operand::ScratchPrivate) * run.thread);
  const auto take = [&next](int64_t count) {
    float* taken = next;
    next += count;
    return taken;
  };
  tile.scores = take(4 * kSpanRows);
  tile.masks = reinterpret_cast<int32_t*>(take(4 * kSpanRows));
  tile.positions = reinterpret_cast<int32_t*>(take(4));
  tile.segment_maximum = take(4);
  tile.segment_sum = take(4);
  tile.alphas = take(4);
  tile.total_maximum = take(4);
  tile.total_sum = take(4);
  tile.weight_units = take(4);
  tile.query_units = take(4);
  tile.weights = reinterpret_cast<int16_t*>(take(64));
  tile.scales = take(32);
  tile.ones = take(32);
  for (int i = 0; i < 32; i++) tile.ones[i] = 1;
  tile.weighted = take(32);
  tile.queries = take(4 * tile.query_stride);
  tile.segment_output = take(4 * tile.output_stride);
  tile.total_output = take(4 * tile.output_stride);
  return tile;
}

MILLET_INLINE void begin_sums(float* maximum, float* sum, float* output, int64_t output_stride) {
  store(maximum, splat4(kNoScore));
  store(sum, splat4(0));
  memset(output, 0, output_stride * 16);
}

MILLET_INLINE void begin_total(const Tile& tile) {
  begin_sums(tile.total_maximum, tile.total_sum, tile.total_output, tile.output_stride);
}

MILLET_INLINE void begin_segment(const Tile& tile) {
  begin_sums(tile.segment_maximum, tile.segment_sum, tile.segment_output, tile.output_stride);
}

// Adds a segment's m, l and o to the totals of query i.
MILLET_INLINE void merge(const Tile& tile, int i, float m, float l, const float* o) {
  const float before = tile.total_maximum[i];
  const float maximum = before > m ? before : m;
  const float old_factor = exp1(before - maximum);
  const float new_factor = exp1(m - maximum);
  tile.total_maximum[i] = maximum;
  tile.total_sum[i] = tile.total_sum[i] * old_factor + l * new_factor;
  float* total = tile.total_output + tile.output_stride * i;
  for (int64_t d = 0; d < tile.output_stride; d += 4) {
    store(total + d, load<F32x4>(total + d) * old_factor + load<F32x4>(o + d) * new_factor);
  }
}

MILLET_INLINE void merge_segment(const Tile& tile, int n) {
  for (int i = 0; i < n; i++) {
    merge(tile, i, tile.segment_maximum[i], tile.segment_sum[i], tile.segment_output + tile.output_stride * i);
  }
}

// Partial results of a segment: m, l, two words of room, o.
MILLET_INLINE void save_partial(const Tile& tile, int i, float* partial) {
  partial[0] = tile.segment_maximum[i];
  partial[1] = tile.segment_sum[i];
  memcpy(partial + 4, tile.segment_output + tile.output_stride * i, tile.output_stride * 4);
}

MILLET_INLINE void merge_partial(const Tile& tile, int i, const float* partial) {
  merge(tile, i, partial[0], partial[1], partial + 4);
}

// o / l of query i; zeros if it sees nothing.
MILLET_INLINE void write_total(const Tile& tile, int i, int32_t value_dim, float* y) {
  const float sum = tile.total_sum[i];
  const float factor = sum > 0 ? 1 / sum : 0;
  const float* total = tile.total_output + tile.output_stride * i;
  for (int32_t d = 0; d < value_dim; d++) y[d] = total[d] * factor;
}

}  // namespace millet
