// Lanes of AVX-512 with VNNI: two groups of 8 features side by side.
#pragma once

#include "lanes-avxvnni.h"

namespace millet::MILLET_LEVEL {

struct Avx512 {
  static constexpr int kGroups = 2;
  static constexpr int kTokens = 8;
  static constexpr int kVectors = 1;
  static constexpr int kPrefetchBytes = Avx2::kPrefetchBytes;
  using F = __m512;
  using I = __m512i;

  MILLET_INLINE_MEMBER F zero() { return _mm512_setzero_ps(); }
  MILLET_INLINE_MEMBER F splat(const void* p) { return _mm512_set1_ps(*static_cast<const float*>(p)); }
  MILLET_INLINE_MEMBER F add(F a, F b) { return _mm512_add_ps(a, b); }
  MILLET_INLINE_MEMBER F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  MILLET_INLINE_MEMBER F sub(F a, F b) { return _mm512_sub_ps(a, b); }
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
  MILLET_INLINE_MEMBER F halves(const uint8_t* w, int64_t group_bytes) {
    return _mm512_cvtph_ps(words(w, group_bytes));
  }
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

  using Bytes = I;
  MILLET_INLINE_MEMBER I weights8(I w) { return _mm512_xor_si512(w, _mm512_set1_epi8(-128)); }
  MILLET_INLINE_MEMBER I begin_bytes(const void* bias) { return _mm512_slli_epi32(activation(bias), 4); }
  MILLET_INLINE_MEMBER I dot_bytes(I sum, const Bytes* w, const uint8_t* x) {
    return _mm512_dpbusd_epi32(sum, *w, activation(x));
  }

  // See lanes-avx2.h.
  template <int kShift>
  MILLET_INLINE_MEMBER Bytes field(Bytes q, int mask) {
    const I moved = kShift >= 0 ? _mm512_srli_epi16(q, kShift & 15) : _mm512_slli_epi16(q, -kShift & 15);
    return _mm512_and_si512(moved, _mm512_set1_epi8(static_cast<char>(mask)));
  }
  MILLET_INLINE_MEMBER Bytes either(Bytes a, Bytes b) { return _mm512_or_si512(a, b); }
  MILLET_INLINE_MEMBER Bytes look_up(Bytes codes, const int8_t* table) {
    const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_xor_si128(levels, _mm_set1_epi8(-128))), codes);
  }

  MILLET_INLINE_MEMBER __m128i features8(const uint8_t* w, int64_t group_bytes) {
    return _mm_unpacklo_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(w)),
                              _mm_loadl_epi64(reinterpret_cast<const __m128i*>(w + group_bytes)));
  }
  MILLET_INLINE_MEMBER I signed8(const uint8_t* w, int64_t group_bytes) {
    return _mm512_cvtepi8_epi32(features8(w, group_bytes));
  }
  MILLET_INLINE_MEMBER I unsigned8(const uint8_t* w, int64_t group_bytes) {
    return _mm512_cvtepu8_epi32(features8(w, group_bytes));
  }
  template <int kShift>
  MILLET_INLINE_MEMBER I int_field(I a, int mask) {
    return _mm512_and_si512(_mm512_srli_epi32(a, kShift), _mm512_set1_epi32(mask));
  }
  MILLET_INLINE_MEMBER I int_zero() { return _mm512_setzero_si512(); }
  MILLET_INLINE_MEMBER I int_add(I a, I b) { return _mm512_add_epi32(a, b); }
  template <int kShift>
  MILLET_INLINE_MEMBER I int_splat(const void* p) { return _mm512_slli_epi32(activation(p), kShift); }
  template <int kShift>
  MILLET_INLINE_MEMBER I int_shift(I a) { return _mm512_slli_epi32(a, kShift); }

  using Pairs = I;
  MILLET_INLINE_MEMBER Pairs pairs(I a, I b) {
    return _mm512_or_si512(_mm512_and_si512(a, _mm512_set1_epi32(0xffff)), _mm512_slli_epi32(b, 16));
  }
  MILLET_INLINE_MEMBER I dot_pairs(Pairs a, const void* b) { return _mm512_madd_epi16(a, activation(b)); }

  using Scales = I;
  MILLET_INLINE_MEMBER Scales scales(I s) { return s; }
  template <int kBits>
  MILLET_INLINE_MEMBER I dot_codes(I sum, const Bytes (&w)[4], const uint8_t* x) {
    for (int i = 0; i < 4; i++) sum = _mm512_dpbusd_epi32(sum, w[i], activation(x + 4 * i));
    return sum;
  }
  template <int kBits>
  MILLET_INLINE_MEMBER I dot_scaled(I sum, const Bytes (&w)[4], const uint8_t* x, Scales scale) {
    return int_add(sum, _mm512_mullo_epi32(scale, dot_codes<kBits>(int_zero(), w, x)));
  }
};

}  // namespace millet::MILLET_LEVEL
