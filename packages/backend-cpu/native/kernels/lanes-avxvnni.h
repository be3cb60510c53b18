// Lanes of AVX2 with 256-bit VNNI (vpdpbusd), in its VEX form (AVX-VNNI) or its EVEX form (AVX-512 VNNI and VL): one
// instruction for the dot of four unsigned weights with four signed activations per lane. Signed weights are offset by
// 128; the sum starts from -128 times the sum of the activations.
#pragma once

#include "lanes-avx2.h"

namespace millet::MILLET_LEVEL {

struct Vnni256 : Avx2 {
  MILLET_INLINE_MEMBER I dpbusd(I sum, I w, I x) {
#ifdef __AVX512VNNI__
    return _mm256_dpbusd_epi32(sum, w, x);
#else
    return _mm256_dpbusd_avx_epi32(sum, w, x);
#endif
  }
  MILLET_INLINE_MEMBER I weights8(I w) { return _mm256_xor_si256(w, _mm256_set1_epi8(-128)); }
  MILLET_INLINE_MEMBER I begin_bytes(const void* bias) { return _mm256_slli_epi32(activation(bias), 4); }
  MILLET_INLINE_MEMBER I dot_bytes(I sum, const Bytes* w, const uint8_t* x) { return dpbusd(sum, *w, activation(x)); }

  MILLET_INLINE_MEMBER Bytes look_up(Bytes codes, const int8_t* table) {
    const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    const __m128i offset = _mm_xor_si128(levels, _mm_set1_epi8(-128));
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(offset), codes);
  }
  template <int kBits>
  MILLET_INLINE_MEMBER I dot_codes(I sum, const Bytes (&w)[4], const uint8_t* x) {
    for (int i = 0; i < 4; i++) sum = dpbusd(sum, w[i], activation(x + 4 * i));
    return sum;
  }
  MILLET_INLINE_MEMBER Scales scales(I s) { return s; }
  template <int kBits>
  MILLET_INLINE_MEMBER I dot_scaled(I sum, const Bytes (&w)[4], const uint8_t* x, Scales scale) {
    return int_add(sum, _mm256_mullo_epi32(scale, dot_codes<kBits>(int_zero(), w, x)));
  }
};

}  // namespace millet::MILLET_LEVEL
