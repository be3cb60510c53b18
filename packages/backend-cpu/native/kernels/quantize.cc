// quantize: rows of f32 to int8 in blocks of 32 with one scale, round to nearest even. The layout is described in
// ../assembly/activations.ts. A block with a NaN or infinity gets such a scale, so that it is not lost in silence.
#include "../engine/activations.h"
#include "../engine/vec.h"
#include "kernels.h"
#include "magnitude.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace millet::MILLET_LEVEL {

using Operand = QuantizeOperand;
typedef int8_t I8x8 __attribute__((vector_size(8)));

// Eight values as rounded integers in [-127, 127]; 0 for what is not a number.
MILLET_INLINE I32x8 rounded(const float* x, float inverse) {
  const F32x8 v = nearest(load<F32x8>(x) * inverse);
  return __builtin_convertvector(bits_as<F32x8>(bits_as<I32x8>(v) & (v == v)), I32x8);
}

// 32 integers that fit into bytes, as bytes.
MILLET_INLINE void store_bytes(uint8_t* target, const I32x8 (&v)[4]) {
#if defined(__AVX2__)
  const auto as_register = [](I32x8 x) { return reinterpret_cast<__m256i>(x); };
  const __m256i low = _mm256_packs_epi32(as_register(v[0]), as_register(v[1]));
  const __m256i high = _mm256_packs_epi32(as_register(v[2]), as_register(v[3]));
  // Packing works within halves of 128 bits: put the groups of four back in order.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  store(target, _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order));
#else
  for (int i = 0; i < 4; i++) store(target + 8 * i, __builtin_convertvector(v[i], I8x8));
#endif
}

MILLET_INLINE void quantize_block(const float* x, uint8_t* values, uint8_t* statistics) {
  const float largest = largest_magnitude(x);
  const float inverse = largest == 0 ? 0 : 127 / largest;
  const I32x8 v[4] = {rounded(x, inverse), rounded(x + 8, inverse), rounded(x + 16, inverse), rounded(x + 24, inverse)};
  store_bytes(values, v);
  const int32_t first = sum_lanes(v[0] + v[1]);
  const int32_t second = sum_lanes(v[2] + v[3]);
  const int32_t sum = first + second;
  const float scale = largest / 127;
  const float scaled_sum = scale * static_cast<float>(sum);
  const int32_t bias = -8 * sum;
  store(statistics, scale);
  store(statistics + 4, bias);
  store(statistics + 8, scaled_sum);
  store(statistics + kHalfSums, static_cast<int16_t>(-first));
  store(statistics + kHalfSums + 2, static_cast<int16_t>(-second));
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
