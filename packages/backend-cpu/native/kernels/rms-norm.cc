// rms_norm: y = x / sqrt(mean(x^2) + eps) * weight. The mean of squares is summed in f64, in the order of
// ../assembly/kernels/rms-norm.ts: element i goes to sum i % 4.
#include <cmath>

#include "../engine/step.h"
#include "../engine/vec.h"
#include "kernels.h"

namespace millet::MILLET_LEVEL {

using Operand = RmsNormOperand;
typedef double F64x4 __attribute__((vector_size(32)));

static double sum_of_squares(const float* x, int32_t width) {
  F64x4 sums = {0, 0, 0, 0};
  int32_t i = 0;
  for (; i + 4 <= width; i += 4) {
    const F64x4 v = __builtin_convertvector(load<F32x4>(x + i), F64x4);
    sums += v * v;
  }
  double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (; i < width; i++) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

static void scale_row(const float* x, const float* weight, float factor, float* y, int32_t width) {
  int32_t i = 0;
  for (; i + 8 <= width; i += 8) store(y + i, load<F32x8>(x + i) * factor * load<F32x8>(weight + i));
  for (; i < width; i++) y[i] = x[i] * factor * weight[i];
}

void rms_norm(const Run& run, const uint32_t* step) {
  const bool replicated = word(step, Operand::Sharing) == static_cast<int32_t>(Sharing::Replicated);
  const int32_t width = word(step, Operand::Width);
  const int32_t rows = count(run, step, Operand::Count);
  uint8_t* x = address(run, step, Operand::X);
  uint8_t* y = address(run, step, Operand::Y) + units(step, Operand::YPrivate) * run.thread;
  const float* weight = floats(address(run, step, Operand::Weight));
  const double epsilon = real(step, Operand::Epsilon);
  const int32_t end = replicated ? rows : min(rows, row_end(run, rows));
  for (int32_t row = replicated ? 0 : row_start(run, rows); row < end; row++) {
    const float* source = floats(x + units(step, Operand::XStride) * row);
    const double mean = sum_of_squares(source, width) / width;
    const float factor = static_cast<float>(1 / std::sqrt(mean + epsilon));
    scale_row(source, weight, factor, floats(y + units(step, Operand::YStride) * row), width);
  }
}

}  // namespace millet::MILLET_LEVEL
