// Lanes of AVX2: one group of 8 features. Dots of 4-bit weights are summed in 16 bits over a block (15 * 127 * 2 * 8 fits),
// dots of 8-bit weights through |w| and x with the sign of w (128 * 127 * 2 fits).
#pragma once

#include <immintrin.h>

#include "../engine/step.h"

namespace millet::MILLET_LEVEL {

struct Avx2 {
  static constexpr int kGroups = 1;
  static constexpr int kTokens = 4;  // rows of a GEMM tile
  static constexpr int kPrefetchBytes = 4096;  // measured: 2 KiB gives 95% of the read bandwidth, 4 KiB 98%
  using F = __m256;
  using I = __m256i;

  MILLET_INLINE_MEMBER F zero() { return _mm256_setzero_ps(); }
  MILLET_INLINE_MEMBER F splat(const void* p) { return _mm256_broadcast_ss(static_cast<const float*>(p)); }
  MILLET_INLINE_MEMBER F add(F a, F b) { return _mm256_add_ps(a, b); }
  MILLET_INLINE_MEMBER F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  MILLET_INLINE_MEMBER F convert(I a) { return _mm256_cvtepi32_ps(a); }
  MILLET_INLINE_MEMBER void store(float* y, F v) { _mm256_storeu_ps(y, v); }

  // Weights of the lanes' features, which lie `group_bytes` apart where there are two groups.
  MILLET_INLINE_MEMBER I bytes32(const uint8_t* w, int64_t) {
    return _mm256_loadu_si256(reinterpret_cast<const I*>(w));
  }
  MILLET_INLINE_MEMBER F halves(const uint8_t* w, int64_t) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
  }
  MILLET_INLINE_MEMBER F brains(const uint8_t* w, int64_t) {
    const I bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
  }
  MILLET_INLINE_MEMBER F singles(const uint8_t* w, int64_t) { return _mm256_loadu_ps(reinterpret_cast<const float*>(w)); }

  MILLET_INLINE_MEMBER I low_nibbles(I q) { return _mm256_and_si256(q, _mm256_set1_epi8(15)); }
  MILLET_INLINE_MEMBER I high_nibbles(I q) { return low_nibbles(_mm256_srli_epi16(q, 4)); }

  // Four activations for all lanes.
  MILLET_INLINE_MEMBER I activation(const void* x) {
    int32_t value;
    memcpy(&value, x, 4);
    return _mm256_set1_epi32(value);
  }

  MILLET_INLINE_MEMBER I begin_nibbles(const void*) { return _mm256_setzero_si256(); }
  MILLET_INLINE_MEMBER I dot_nibbles(I sum, I w, I x) { return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x)); }
  MILLET_INLINE_MEMBER I end_nibbles(I sum, const void* bias) {
    return _mm256_add_epi32(_mm256_madd_epi16(sum, _mm256_set1_epi16(1)), activation(bias));
  }

  using Bytes = I;
  MILLET_INLINE_MEMBER Bytes weights8(I w) { return w; }
  MILLET_INLINE_MEMBER I begin_bytes(const void*) { return _mm256_setzero_si256(); }
  MILLET_INLINE_MEMBER I dot_bytes(I sum, Bytes w, I x) {
    const I products = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
  }
};

}  // namespace millet::MILLET_LEVEL
