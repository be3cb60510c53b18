// quantize: rows of f32 to int8 in blocks of 32 with one scale, round to nearest even. The layout is described in
// ../assembly/activations.ts. A block with a NaN or infinity gets such a scale, so that it is not lost in silence.
#include "../engine/activations.h"
#include "../engine/vec.h"
#include "kernels.h"

namespace millet::MILLET_LEVEL {

using Operand = QuantizeOperand;
typedef int8_t I8x8 __attribute__((vector_size(8)));

// The largest magnitude of 32 values. Compared as integers, where NaN is above all, as in WASM's maximum.
MILLET_INLINE float largest_magnitude(const float* x) {
  I32x8 most = {};
  for (int i = 0; i < 32; i += 8) {
    const I32x8 bits = load<I32x8>(x + i) & 0x7fffffff;
    most = bits > most ? bits : most;
  }
  int32_t largest = most[0];
  for (int i = 1; i < 8; i++) largest = max(largest, most[i]);
  return bits_as<float>(largest);
}

// Eight values as rounded integers in [-127, 127]; 0 for what is not a number.
MILLET_INLINE I32x8 rounded(const float* x, float inverse) {
  const F32x8 v = nearest(load<F32x8>(x) * inverse);
  return __builtin_convertvector(bits_as<F32x8>(bits_as<I32x8>(v) & (v == v)), I32x8);
}

MILLET_INLINE void quantize_block(const float* x, uint8_t* values, uint8_t* statistics) {
  const float largest = largest_magnitude(x);
  const float inverse = largest == 0 ? 0 : 127 / largest;
  I32x8 sums = {};
  for (int i = 0; i < 32; i += 8) {
    const I32x8 v = rounded(x + i, inverse);
    sums += v;
    store(values + i, __builtin_convertvector(v, I8x8));
  }
  int32_t sum = 0;
  for (int i = 0; i < 8; i++) sum += sums[i];
  const float scale = largest / 127;
  const float scaled_sum = scale * static_cast<float>(sum);
  const int32_t bias = -8 * sum;
  store(statistics, scale);
  store(statistics + 4, bias);
  store(statistics + 8, scaled_sum);
}

static void quantize_row(const float* x, int32_t blocks, uint8_t* values, uint8_t* statistics, int64_t stride) {
  for (int32_t b = 0; b < blocks; b++) {
    quantize_block(x, values, statistics);
    x += 32;
    values += stride;
    statistics += stride;
  }
}

// The row of zeros that fills a group of three.
static void clear_row(int32_t blocks, uint8_t* values, uint8_t* statistics) {
  for (int32_t b = 0; b < blocks; b++) {
    memset(values, 0, 32);
    memset(statistics, 0, 16);
    values += Activations::GroupBytes;
    statistics += Activations::GroupBytes;
  }
}

void quantize(const Run& run, const uint32_t* step) {
  const bool replicated = word(step, Operand::Sharing) == static_cast<int32_t>(Sharing::Replicated);
  uint8_t* x = address(run, step, Operand::X) + units(step, Operand::XPrivate) * run.thread;
  uint8_t* y = address(run, step, Operand::Y) + units(step, Operand::YPrivate) * run.thread;
  const int32_t blocks = word(step, Operand::Width) >> 5;
  const int32_t rows = count(run, step, Operand::Count);
  const int32_t grouped = grouped_rows(rows);
  const int32_t all = max(rows, grouped);
  const int32_t end = replicated ? all : min(all, row_end(run, rows));
  for (int32_t row = replicated ? 0 : row_start(run, rows); row < end; row++) {
    const float* source = floats(x + units(step, Operand::XStride) * row);
    if (row < grouped) {
      uint8_t* group = y + int64_t{row >> 2} * blocks * Activations::GroupBytes;
      uint8_t* values = group + (row & 3) * 32;
      uint8_t* statistics = group + Activations::GroupStatistics + (row & 3) * 16;
      if (row < rows) quantize_row(source, blocks, values, statistics, Activations::GroupBytes);
      else clear_row(blocks, values, statistics);
    } else {
      uint8_t* values = y + int64_t{row} * blocks * Activations::BlockBytes;
      quantize_row(source, blocks, values, values + Activations::SingleStatistics, Activations::BlockBytes);
    }
  }
}

}  // namespace millet::MILLET_LEVEL
