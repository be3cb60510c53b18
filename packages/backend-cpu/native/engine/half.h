// f16 from and to f32, by the processor's own conversions. What is stored is finite, so that these give the bits of the
// WASM engine's shifts.
#pragma once

#include "vec.h"

#ifdef __aarch64__
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

namespace millet {

#ifdef __AVX512F__
typedef float F32x16 __attribute__((vector_size(64)));
#endif

// Vectors of f16 in memory as f32.
template <class V>
MILLET_INLINE V load_halves(const void* p) {
#ifdef __aarch64__
  const uint16_t* halves = static_cast<const uint16_t*>(p);
  const F32x4 low = bits_as<F32x4>(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves))));
  if constexpr (sizeof(V) == 16) return low;
  else return __builtin_shufflevector(low, load_halves<F32x4>(halves + 4), 0, 1, 2, 3, 4, 5, 6, 7);
#else
  const __m128i* halves = static_cast<const __m128i*>(p);
  if constexpr (sizeof(V) == 16) return bits_as<V>(_mm_cvtph_ps(_mm_loadl_epi64(halves)));
  else if constexpr (sizeof(V) == 32) return bits_as<V>(_mm256_cvtph_ps(_mm_loadu_si128(halves)));
#ifdef __AVX512F__
  else return bits_as<V>(_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p))));
#endif
#endif
}

MILLET_INLINE uint16_t half_of(float x) {
#ifdef __aarch64__
  return vget_lane_u16(vreinterpret_u16_f16(vcvt_f16_f32(vdupq_n_f32(x))), 0);
#else
  return static_cast<uint16_t>(_mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT), 0));
#endif
}

// Within -most .. most; NaN becomes `most`.
MILLET_INLINE float bounded(float x, float most) {
  const float below = x < most ? x : most;
  return below > -most ? below : -most;
}

// The nearest f16, ties to even; magnitudes above 65504, and NaN, become 65504.
MILLET_INLINE void store_half(void* p, float x) {
  const uint16_t bits = half_of(bounded(x, 65504));
  memcpy(p, &bits, 2);
}

MILLET_INLINE float load_half(const void* p) {
  uint16_t bits;
  memcpy(&bits, p, 2);
  const uint16_t lanes[4] = {bits, bits, bits, bits};
  return load_halves<F32x4>(lanes)[0];
}

}  // namespace millet
