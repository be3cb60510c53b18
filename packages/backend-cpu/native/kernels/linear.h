// linear: y = x W^T on packed weights, shared among threads by groups of 8 output features. A group's weights are used
// for all rows before the next group's are read: a decode step streams the weights once, a prompt is a matrix-matrix
// product whose weights stay in the first cache and whose activations come from the second. linear-*.cc compile it, a
// family of types each.
#pragma once

#include "../engine/activations.h"
#include "../engine/vec.h"
#include "kernels.h"
#include "linear-byte.h"
#include "linear-codes.h"
#include "linear-plain.h"

namespace millet::MILLET_LEVEL {

using Operand = LinearOperand;

// Most rows for which reading the weights takes longer than multiplying them.
constexpr int32_t kStreamRows = 4;

MILLET_INLINE bool adds_pairs(const uint32_t* step) {
  return ((step[0] >> 16) & static_cast<uint32_t>(StepFlag::AddPairs)) != 0;
}

// This thread's work space for them, behind what the WASM engine uses.
MILLET_INLINE float* pair_results(const Run& run, const uint32_t* step, int32_t rows) {
  const int64_t before = int64_t{LinearScratch::WeightBytes} + LinearScratch::TileBytes +
                         int64_t{(rows + 7) & ~7} * LinearScratch::RowBytes;
  return floats(address(run, step, Operand::Scratch) + units(step, Operand::ScratchPrivate) * run.thread + before);
}

// A step's operands, for one thread.
struct Product {
  int32_t width;
  int32_t rows;
  int64_t group_bytes;
  const uint8_t* x;
  int64_t x_stride;  // bytes
  int64_t y_stride;  // floats
};

template <class L, PackedType kType, int kTokens, bool kStream>
MILLET_INLINE void quantized_tile(const Product& p, const uint8_t* w, const uint8_t* x, float* y) {
  const int32_t blocks = p.width >> 5;
  if constexpr (kType == PackedType::Q8_0)
    byte_tile<L, kType, kTokens, kStream>(w, p.group_bytes, x, blocks, y, p.y_stride);
  else codes_tile<L, kType, kTokens, kStream>(w, p.group_bytes, x, blocks, y, p.y_stride);
}

// All rows by the lanes' groups of features. The first tile brings the next weights on their way.
template <class L, PackedType kType, bool kStream>
static void quantized_rows(const Product& p, const uint8_t* w, float* y) {
  const int64_t row_bytes = int64_t{p.width >> 5} * Activations::BlockBytes;
  const int32_t grouped = grouped_rows(p.rows);
  int32_t row = 0;
  if (!kStream && L::kTokens <= grouped) {
    quantized_tile<L, kType, L::kTokens, true>(p, w, p.x, y);
    row = L::kTokens;
  }
  for (; !kStream && row + L::kTokens <= grouped; row += L::kTokens) {
    quantized_tile<L, kType, L::kTokens, false>(p, w, p.x + row * row_bytes, y + row * p.y_stride);
  }
  for (; row < grouped; row += 4) quantized_tile<L, kType, 4, true>(p, w, p.x + row * row_bytes, y + row * p.y_stride);
  // A decode step's rows come in pairs where precision asks for two of each.
  for (; row + 2 <= p.rows; row += 2)
    quantized_tile<L, kType, 2, kStream>(p, w, p.x + row * row_bytes, y + row * p.y_stride);
  if (row < p.rows) quantized_tile<L, kType, 1, kStream>(p, w, p.x + row * row_bytes, y + row * p.y_stride);
}

template <class L, PackedType kType, int kColumns>
static void plain_rows(const Product& p, const uint8_t* w, float* y) {
  const int64_t x_stride = p.x_stride >> 2;
  const float* x = reinterpret_cast<const float*>(p.x);
  int32_t row = 0;
  for (; row + 4 <= p.rows; row += 4) {
    plain_tile<L, kType, kColumns, 4>(w, p.group_bytes, x + row * x_stride, x_stride, p.width, y + row * p.y_stride,
                                      p.y_stride);
  }
  for (; row < p.rows; row++) {
    plain_tile<L, kType, kColumns, 1>(w, p.group_bytes, x + row * x_stride, x_stride, p.width, y + row * p.y_stride,
                                      p.y_stride);
  }
}

template <class L, PackedType kType>
MILLET_INLINE void quantized_columns(const Product& p, const uint8_t* w, float* y) {
  if (p.rows <= kStreamRows) quantized_rows<L, kType, true>(p, w, y);
  else quantized_rows<L, kType, false>(p, w, y);
}

// `kColumns` lanes' groups of features by all rows. With `pairs` for their results, those of rows 2i and 2i + 1 are
// added up to row i of y.
template <class L, PackedType kType, int kColumns>
MILLET_INLINE void columns(const Product& p, const uint8_t* w, float* pairs, float* y) {
  constexpr int kWidth = 8 * L::kGroups;
  static_assert(kWidth * 4 <= LinearScratch::PairBytes);
  if constexpr (!is_quantized(kType)) {
    plain_rows<L, kType, kColumns>(p, w, y);
  } else if (pairs == nullptr) {
    quantized_columns<L, kType>(p, w, y);
  } else {
    Product apart = p;
    apart.y_stride = kWidth;
    quantized_columns<L, kType>(apart, w, pairs);
    for (int32_t row = 0; row < p.rows; row += 2) {
      const float* pair = pairs + row * kWidth;
      float* target = y + (row >> 1) * p.y_stride;
      for (int i = 0; i < kWidth; i += 8) store(target + i, load<F32x8>(pair + i) + load<F32x8>(pair + kWidth + i));
    }
  }
}

template <PackedType kType>
MILLET_INLINE void linear(const Run& run, const uint32_t* step) {
  // Several groups at once where one group's sums would wait for each other.
  constexpr int kColumns = is_quantized(kType) ? 1 : 2;
  constexpr int kStep = kColumns * Wide::kGroups;
  const int32_t width = word(step, Operand::Width);
  const Product p = {width,
                     count(run, step, Operand::Count),
                     packed_group_bytes(kType, width),
                     address(run, step, Operand::X) + units(step, Operand::XPrivate) * run.thread,
                     static_cast<int64_t>(units(step, Operand::XStride)),
                     static_cast<int64_t>(units(step, Operand::YStride) >> 2)};
  const int32_t groups = word(step, Operand::Groups);
  const uint8_t* weight = address(run, step, Operand::Weight);
  float* y = floats(address(run, step, Operand::Y));
  const int32_t end = share_end(run, groups);
  int32_t group = share_start(run, groups);
  // Few rows stream the weights: one group after the other is one stream, which prefetching follows best.
  const bool streams = is_quantized(kType) && p.rows <= kStreamRows;
  float* pairs = adds_pairs(step) ? pair_results(run, step, p.rows) : nullptr;
  for (; !streams && group + kStep <= end && !aborted(run); group += kStep) {
    columns<Wide, kType, kColumns>(p, weight + group * p.group_bytes, pairs, y + int64_t{group} * 8);
  }
  for (; group < end && !aborted(run); group++) {
    columns<Narrow, kType, 1>(p, weight + group * p.group_bytes, pairs, y + int64_t{group} * 8);
  }
}

}  // namespace millet::MILLET_LEVEL
