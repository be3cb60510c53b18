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
  MILLET_INLINE_MEMBER I begin_nibbles(const void* bias) { return activation(bias); }
  MILLET_INLINE_MEMBER I dot_nibbles(I sum, I w, I x) { return dpbusd(sum, w, x); }
  MILLET_INLINE_MEMBER I end_nibbles(I sum, const void*) { return sum; }
  MILLET_INLINE_MEMBER I weights8(I w) { return _mm256_xor_si256(w, _mm256_set1_epi8(-128)); }
  MILLET_INLINE_MEMBER I begin_bytes(const void* bias) { return _mm256_slli_epi32(activation(bias), 4); }
  MILLET_INLINE_MEMBER I dot_bytes(I sum, I w, I x) { return dpbusd(sum, w, x); }
};

}  // namespace millet::MILLET_LEVEL
