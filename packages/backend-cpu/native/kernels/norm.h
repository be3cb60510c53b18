// Shared by rms_norm and layer_norm: which rows and columns a thread writes, and sums in f64 in the order of
// ../assembly/kernels/moments.ts (element i goes to sum i % 4).
#pragma once

#include "../engine/step.h"
#include "../engine/vec.h"

namespace millet {

typedef double F64x4 __attribute__((vector_size(32)));

MILLET_INLINE double total(F64x4 sums) { return (sums[0] + sums[1]) + (sums[2] + sums[3]); }

MILLET_INLINE double sum_of(const float* x, int32_t width) {
  F64x4 sums = {0, 0, 0, 0};
  int32_t i = 0;
  for (; i + 4 <= width; i += 4) sums += __builtin_convertvector(load<F32x4>(x + i), F64x4);
  double sum = total(sums);
  for (; i < width; i++) sum += static_cast<double>(x[i]);
  return sum;
}

// The sum of (x - from)^2.
MILLET_INLINE double sum_of_squares(const float* x, double from, int32_t width) {
  F64x4 sums = {0, 0, 0, 0};
  int32_t i = 0;
  for (; i + 4 <= width; i += 4) {
    const F64x4 v = __builtin_convertvector(load<F32x4>(x + i), F64x4) - from;
    sums += v * v;
  }
  double sum = total(sums);
  for (; i < width; i++) {
    const double v = static_cast<double>(x[i]) - from;
    sum += v * v;
  }
  return sum;
}

// What a thread writes of one group of columns; the pointers are to the group's first element.
struct NormGroup {
  const float* x;
  const float* weight;
  const float* bias;  // null for none
  float* y;
  int32_t width;
  int32_t from;
  int32_t end;
  double epsilon;
};

// Calls `normalize` for each group of columns of which the thread writes a part. Shared by rows, by nothing (every thread
// all of it), or by groups of 8 features: then a thread reads groups whole, so that nobody waits for a sum.
template <class Normalize>
MILLET_INLINE void each_norm_group(const Run& run, const uint32_t* step, Normalize normalize) {
  using Operand = NormOperand;
  const Sharing sharing = static_cast<Sharing>(word(step, Operand::Sharing));
  const int32_t width = word(step, Operand::Width);
  const int32_t columns = width * word(step, Operand::Groups);
  const int32_t rows = count(run, step, Operand::Count);
  const int32_t first_row = sharing == Sharing::Rows ? row_start(run, rows) : 0;
  const int32_t end_row = sharing == Sharing::Rows ? min(rows, row_end(run, rows)) : rows;
  const int32_t blocks = (columns + 7) >> 3;
  const int32_t first = sharing == Sharing::Features ? share_start(run, blocks) * 8 : 0;
  const int32_t end = sharing == Sharing::Features ? min(columns, share_end(run, blocks) * 8) : columns;
  if (first >= end) return;
  const bool shared_weight = word(step, Operand::SharedWeight) != 0;
  const float* weight = floats(address(run, step, Operand::Weight));
  const float* bias = word(step, Operand::Bias) == 0 ? nullptr : floats(address(run, step, Operand::Bias));
  const double epsilon = real(step, Operand::Epsilon);
  uint8_t* x = address(run, step, Operand::X);
  uint8_t* y = address(run, step, Operand::Y) + units(step, Operand::YPrivate) * run.thread;
  for (int32_t row = first_row; row < end_row; row++) {
    const float* from = floats(x + units(step, Operand::XStride) * row);
    float* to = floats(y + units(step, Operand::YStride) * row);
    for (int32_t start = first - first % width; start < end; start += width) {
      const int32_t own = shared_weight ? 0 : start;
      normalize(NormGroup{from + start, weight + own, bias == nullptr ? nullptr : bias + own, to + start, width,
                          max(first, start) - start, min(end, start + width) - start, epsilon});
    }
  }
}

}  // namespace millet
