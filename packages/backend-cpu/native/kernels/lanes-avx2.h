// Lanes of AVX2: one group of 8 features. Dots of small weights are summed in 16 bits as far as they fit: 5 bits over
// 16 inputs (31 * 127 * 2 * 4), 6 bits over 8 (63 * 127 * 2 * 2). Dots of 8-bit weights go through |w| and x with the
// sign of w (128 * 127 * 2 fits).
#pragma once

#include <immintrin.h>

#include "../engine/step.h"

namespace millet::MILLET_LEVEL {

struct Avx2 {
  static constexpr int kGroups = 1;
  static constexpr int kTokens = 4;  // rows of a GEMM tile
  static constexpr int kVectors = 1;  // of weights that dot_bytes() takes
  static constexpr int kPrefetchBytes = 4096;  // measured: 2 KiB gives 95% of the read bandwidth, 4 KiB 98%
  using F = __m256;
  using I = __m256i;

  MILLET_INLINE_MEMBER F zero() { return _mm256_setzero_ps(); }
  MILLET_INLINE_MEMBER F splat(const void* p) { return _mm256_broadcast_ss(static_cast<const float*>(p)); }
  MILLET_INLINE_MEMBER F add(F a, F b) { return _mm256_add_ps(a, b); }
  MILLET_INLINE_MEMBER F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  MILLET_INLINE_MEMBER F sub(F a, F b) { return _mm256_sub_ps(a, b); }
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
  MILLET_INLINE_MEMBER F singles(const uint8_t* w, int64_t) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(w));
  }

  MILLET_INLINE_MEMBER I low_nibbles(I q) { return _mm256_and_si256(q, _mm256_set1_epi8(15)); }
  MILLET_INLINE_MEMBER I high_nibbles(I q) { return low_nibbles(_mm256_srli_epi16(q, 4)); }

  // Four activations for all lanes.
  MILLET_INLINE_MEMBER I activation(const void* x) {
    int32_t value;
    memcpy(&value, x, 4);
    return _mm256_set1_epi32(value);
  }

  using Bytes = I;
  MILLET_INLINE_MEMBER Bytes weights8(I w) { return w; }
  MILLET_INLINE_MEMBER I begin_bytes(const void*) { return _mm256_setzero_si256(); }
  // Weights in the form of weights8() by activations from x on.
  MILLET_INLINE_MEMBER I dot_bytes(I sum, const Bytes* w, const uint8_t* x) {
    const I products = _mm256_maddubs_epi16(_mm256_abs_epi8(*w), _mm256_sign_epi8(activation(x), *w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
  }

  // Bits kShift.. of every byte (moved left if it is negative) that `mask` keeps; bits of neighbours must not be kept.
  template <int kShift>
  MILLET_INLINE_MEMBER Bytes field(Bytes q, int mask) {
    const I moved = kShift >= 0 ? _mm256_srli_epi16(q, kShift & 15) : _mm256_slli_epi16(q, -kShift & 15);
    return _mm256_and_si256(moved, _mm256_set1_epi8(static_cast<char>(mask)));
  }
  MILLET_INLINE_MEMBER Bytes either(Bytes a, Bytes b) { return _mm256_or_si256(a, b); }
  // Codes 0..15 as the levels of a table of 16 bytes, in the form of weights8().
  MILLET_INLINE_MEMBER Bytes look_up(Bytes codes, const int8_t* table) {
    const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return weights8(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(levels), codes));
  }

  // One byte per feature.
  MILLET_INLINE_MEMBER I signed8(const uint8_t* w, int64_t) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(w)));
  }
  MILLET_INLINE_MEMBER I unsigned8(const uint8_t* w, int64_t) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(w)));
  }
  template <int kShift>
  MILLET_INLINE_MEMBER I int_field(I a, int mask) {
    return _mm256_and_si256(_mm256_srli_epi32(a, kShift), _mm256_set1_epi32(mask));
  }
  MILLET_INLINE_MEMBER I int_zero() { return _mm256_setzero_si256(); }
  MILLET_INLINE_MEMBER I int_add(I a, I b) { return _mm256_add_epi32(a, b); }
  // A number of the activations' statistics times 2^kShift, for all lanes.
  template <int kShift>
  MILLET_INLINE_MEMBER I int_splat(const void* p) { return _mm256_slli_epi32(activation(p), kShift); }
  template <int kShift>
  MILLET_INLINE_MEMBER I int_shift(I a) { return _mm256_slli_epi32(a, kShift); }

  // Two small integers per lane, and a0 * b0 + a1 * b1 with two of 16 bits for all lanes.
  using Pairs = I;
  MILLET_INLINE_MEMBER Pairs pairs(I a, I b) {
    return _mm256_or_si256(_mm256_and_si256(a, _mm256_set1_epi32(0xffff)), _mm256_slli_epi32(b, 16));
  }
  MILLET_INLINE_MEMBER I dot_pairs(Pairs a, const void* b) { return _mm256_madd_epi16(a, activation(b)); }

  // sum + scale * (dot of 16 activations with the vectors w, unsigned and of kBits).
  using Scales = I;
  MILLET_INLINE_MEMBER Scales scales(I s) { return pairs(s, s); }
  template <int kBits>
  MILLET_INLINE_MEMBER I dot_scaled(I sum, const Bytes (&w)[4], const uint8_t* x, Scales scale) {
    I a = _mm256_maddubs_epi16(w[0], activation(x));
    a = _mm256_add_epi16(a, _mm256_maddubs_epi16(w[1], activation(x + 4)));
    I b = _mm256_maddubs_epi16(w[2], activation(x + 8));
    b = _mm256_add_epi16(b, _mm256_maddubs_epi16(w[3], activation(x + 12)));
    if (kBits <= 5) return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(a, b), scale));
    return _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_madd_epi16(a, scale), _mm256_madd_epi16(b, scale)));
  }
  template <int kBits>
  MILLET_INLINE_MEMBER I dot_codes(I sum, const Bytes (&w)[4], const uint8_t* x) {
    return dot_scaled<kBits>(sum, w, x, _mm256_set1_epi16(1));
  }
};

}  // namespace millet::MILLET_LEVEL
