// The products of attention with q8_0 tiles (../assembly/kv.ts): C[n][32] = C * alpha + f32(A T) * (rowUnit *
// columnScale), where A holds i16 in units of their own per row, T the codes of a tile, and A T is an exact integer
// sum. See
// ../assembly/kernels/attention-byte.ts, which gives the same bits.
#pragma once

#include "../engine/step.h"
#include "attention-product.h"

namespace millet {

// Sums of columns of pairs of codes times a pair of i16: as wide as the level allows.
struct Dots {
#if defined(__aarch64__)
  static constexpr int kColumns = 8;
  static constexpr int kVectors = 1;  // for three and four rows: two would not fit in the registers
  using F = F32x8;
  using Codes = int16x8x2_t;
  struct Sum {
    int32x4_t parts[4];
  };

  MILLET_INLINE_MEMBER Sum zero() { return {{vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)}}; }
  MILLET_INLINE_MEMBER Codes codes(const uint8_t* p) {
    const int8x16_t bytes = vld1q_s8(reinterpret_cast<const int8_t*>(p));
    return {{vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)}};
  }
  MILLET_INLINE_MEMBER Sum add(const Sum& sum, int32_t pair, const Codes& b) {
    const int16x8_t x = vreinterpretq_s16_s32(vdupq_n_s32(pair));
    return {
        {vmlal_s16(sum.parts[0], vget_low_s16(b.val[0]), vget_low_s16(x)), vmlal_high_s16(sum.parts[1], b.val[0], x),
         vmlal_s16(sum.parts[2], vget_low_s16(b.val[1]), vget_low_s16(x)), vmlal_high_s16(sum.parts[3], b.val[1], x)}};
  }
  MILLET_INLINE_MEMBER F result(const Sum& sum) {
    const float32x4_t low = vcvtq_f32_s32(vpaddq_s32(sum.parts[0], sum.parts[1]));
    const float32x4_t high = vcvtq_f32_s32(vpaddq_s32(sum.parts[2], sum.parts[3]));
    return __builtin_shufflevector(bits_as<F32x4>(low), bits_as<F32x4>(high), 0, 1, 2, 3, 4, 5, 6, 7);
  }
#elif defined(__AVX512VNNI__)
  static constexpr int kColumns = 16;
  static constexpr int kVectors = 2;
  using F = F32x16;
  using Codes = __m512i;
  using Sum = __m512i;

  MILLET_INLINE_MEMBER Sum zero() { return _mm512_setzero_si512(); }
  MILLET_INLINE_MEMBER Codes codes(const uint8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  MILLET_INLINE_MEMBER Sum add(Sum sum, int32_t pair, Codes b) {
    return _mm512_dpwssd_epi32(sum, b, _mm512_set1_epi32(pair));
  }
  MILLET_INLINE_MEMBER F result(Sum sum) { return bits_as<F>(_mm512_cvtepi32_ps(sum)); }
#else
  static constexpr int kColumns = 8;
  static constexpr int kVectors = 2;
  using F = F32x8;
  using Codes = __m256i;
  using Sum = __m256i;

  MILLET_INLINE_MEMBER Sum zero() { return _mm256_setzero_si256(); }
  MILLET_INLINE_MEMBER Codes codes(const uint8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  MILLET_INLINE_MEMBER Sum add(Sum sum, int32_t pair, Codes b) {
#ifdef __AVXVNNI__
    return _mm256_dpwssd_avx_epi32(sum, b, _mm256_set1_epi32(pair));
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(b, _mm256_set1_epi32(pair)));
#endif
  }
  MILLET_INLINE_MEMBER F result(Sum sum) { return bits_as<F>(_mm256_cvtepi32_ps(sum)); }
#endif
};

struct ByteMatrices {
  const int16_t* a;
  int64_t a_stride;
  const uint8_t* codes;  // [pairs][32][2]
  int32_t pairs;
  float* c;
  int64_t c_stride;
  const float* alphas;   // one per row
  const float* units;    // one per row
  const float* scales;   // one per column
  const uint8_t* ahead;  // a tile that is needed soon, or null
};

template <int kRows, int kVectors>
MILLET_INLINE void byte_tile(const ByteMatrices& m, int column) {
  Dots::Sum sums[kRows][kVectors];
  for (int r = 0; r < kRows; r++) {
    for (int v = 0; v < kVectors; v++) sums[r][v] = Dots::zero();
  }
  const uint8_t* codes = m.codes + column * 2;
  for (int32_t k = 0; k < m.pairs; k++, codes += 64) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      const Dots::Codes b = Dots::codes(codes + v * Dots::kColumns * 2);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; r++) {
        const int32_t pair = i32_at(reinterpret_cast<const uint8_t*>(m.a + r * m.a_stride), k);
        sums[r][v] = Dots::add(sums[r][v], pair, b);
      }
    }
  }
  for (int r = 0; r < kRows; r++) {
    for (int v = 0; v < kVectors; v++) {
      const int at = column + v * Dots::kColumns;
      const Dots::F product = Dots::result(sums[r][v]) * (m.units[r] * load<Dots::F>(m.scales + at));
      float* target = m.c + r * m.c_stride + at;
      store(target, load<Dots::F>(target) * m.alphas[r] + product);
    }
  }
}

template <int kRows>
MILLET_INLINE void byte_rows(const ByteMatrices& m) {
  constexpr int kVectors = kRows <= 2 ? 2 : Dots::kVectors;
  for (int column = 0; column < 32; column += kVectors * Dots::kColumns) byte_tile<kRows, kVectors>(m, column);
}

MILLET_INLINE void product_bytes(int n, const ByteMatrices& m) {
  if (m.ahead != nullptr) {
    for (int at = 0; at < KvBlock::TileBytes; at += 64) __builtin_prefetch(m.ahead + at);
  }
  if (n == 1) byte_rows<1>(m);
  else if (n == 2) byte_rows<2>(m);
  else if (n == 3) byte_rows<3>(m);
  else byte_rows<4>(m);
}

// The 32 scales of a tile as f32.
MILLET_INLINE void tile_scales(const uint8_t* tile, float* y) {
  for (int i = 0; i < 32; i += 8) store(y + i, load_halves<F32x8>(tile + i * 2));
}

// A row as i16 in units of its largest magnitude / 32639 (as ../assembly/kernels/attention-shorts.ts, where such numbers
// must be two signed bytes); NaN becomes 32639. `y` may be `x`. Returns the unit.
MILLET_INLINE float to_shorts(const float* x, int32_t columns, int16_t* y) {
  F32x8 most = {};
  for (int32_t i = 0; i < columns; i += 8) {
    const F32x8 magnitude = bits_as<F32x8>(bits_as<I32x8>(load<F32x8>(x + i)) & 0x7fffffff);
    most = most < magnitude ? magnitude : most;
  }
  const float largest = largest_lane(most);
  constexpr float kMost = 32639;
  constexpr float kLeast = 7.888609052210118e-31f;  // below it the inverse would overflow: the row counts as zeros
  const float inverse = largest > kLeast ? kMost / largest : 0;
  for (int32_t i = 0; i < columns; i += 8) {
    const F32x8 scaled = load<F32x8>(x + i) * inverse;
    const F32x8 below = scaled < kMost ? scaled : splat8(kMost);
    const F32x8 rounded = (below > -kMost ? below : splat8(-kMost)) + 12582912.0f;  // to nearest, in the low bits
    typedef int16_t I16x8 __attribute__((vector_size(16)));
    store(y + i, __builtin_convertvector(bits_as<I32x8>(rounded) - 0x4b400000, I16x8));
  }
  return largest * 3.063819357210699e-5f;  // 1 / kMost
}

}  // namespace millet
