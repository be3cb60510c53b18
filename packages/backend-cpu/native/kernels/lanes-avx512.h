// Lanes of AVX-512 with VNNI: two groups of 8 features side by side.
#pragma once

#include "lanes-avxvnni.h"

namespace millet::MILLET_LEVEL {

struct Avx512 {
  static constexpr int kGroups = 2;
  static constexpr int kTokens = 8;
  static constexpr int kPrefetchBytes = Avx2::kPrefetchBytes;
  using F = __m512;
  using I = __m512i;

  MILLET_INLINE_MEMBER F zero() { return _mm512_setzero_ps(); }
  MILLET_INLINE_MEMBER F splat(const void* p) { return _mm512_set1_ps(*static_cast<const float*>(p)); }
  MILLET_INLINE_MEMBER F add(F a, F b) { return _mm512_add_ps(a, b); }
  MILLET_INLINE_MEMBER F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  MILLET_INLINE_MEMBER F convert(I a) { return _mm512_cvtepi32_ps(a); }
  MILLET_INLINE_MEMBER void store(float* y, F v) { _mm512_storeu_ps(y, v); }

  MILLET_INLINE_MEMBER I bytes32(const uint8_t* w, int64_t group_bytes) {
    const I low = _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)));
    return _mm512_inserti64x4(low, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + group_bytes)), 1);
  }
  // 8 values of 16 bits from each group.
  MILLET_INLINE_MEMBER __m256i words(const uint8_t* w, int64_t group_bytes) {
    const __m256i low = _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
    return _mm256_inserti128_si256(low, _mm_loadu_si128(reinterpret_cast<const __m128i*>(w + group_bytes)), 1);
  }
  MILLET_INLINE_MEMBER F halves(const uint8_t* w, int64_t group_bytes) { return _mm512_cvtph_ps(words(w, group_bytes)); }
  MILLET_INLINE_MEMBER F brains(const uint8_t* w, int64_t group_bytes) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(words(w, group_bytes)), 16));
  }
  MILLET_INLINE_MEMBER F singles(const uint8_t* w, int64_t group_bytes) {
    return _mm512_castsi512_ps(bytes32(w, group_bytes));
  }

  MILLET_INLINE_MEMBER I low_nibbles(I q) { return _mm512_and_si512(q, _mm512_set1_epi8(15)); }
  MILLET_INLINE_MEMBER I high_nibbles(I q) { return low_nibbles(_mm512_srli_epi16(q, 4)); }
  MILLET_INLINE_MEMBER I activation(const void* x) {
    int32_t value;
    memcpy(&value, x, 4);
    return _mm512_set1_epi32(value);
  }

  MILLET_INLINE_MEMBER I begin_nibbles(const void* bias) { return activation(bias); }
  MILLET_INLINE_MEMBER I dot_nibbles(I sum, I w, I x) { return _mm512_dpbusd_epi32(sum, w, x); }
  MILLET_INLINE_MEMBER I end_nibbles(I sum, const void*) { return sum; }

  MILLET_INLINE_MEMBER I weights8(I w) { return _mm512_xor_si512(w, _mm512_set1_epi8(-128)); }
  MILLET_INLINE_MEMBER I begin_bytes(const void* bias) { return _mm512_slli_epi32(activation(bias), 4); }
  MILLET_INLINE_MEMBER I dot_bytes(I sum, I w, I x) { return _mm512_dpbusd_epi32(sum, w, x); }
};

}  // namespace millet::MILLET_LEVEL
