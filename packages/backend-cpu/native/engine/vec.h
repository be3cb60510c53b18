// Vectors of 4 and 8 lanes in the compiler's own vector extension (GCC, Clang): one source for AVX2 and NEON. Lanes are
// computed with plain IEEE operations, so that all levels, and the WASM engine, give the same bits.
#pragma once

#include <cstdint>
#include <cstring>

#include "inline.h"

namespace millet {

typedef float F32x4 __attribute__((vector_size(16)));
typedef float F32x8 __attribute__((vector_size(32)));
typedef int32_t I32x4 __attribute__((vector_size(16)));
typedef int32_t I32x8 __attribute__((vector_size(32)));
typedef uint16_t U16x8 __attribute__((vector_size(16)));

template <class V>
MILLET_INLINE V load(const void* p) {
  V v;
  memcpy(&v, p, sizeof(V));
  return v;
}

template <class V>
MILLET_INLINE void store(void* p, V v) {
  memcpy(p, &v, sizeof(V));
}

MILLET_INLINE F32x8 splat8(float x) { return F32x8{x, x, x, x, x, x, x, x}; }
MILLET_INLINE F32x4 splat4(float x) { return F32x4{x, x, x, x}; }

template <class To, class From>
MILLET_INLINE To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof(To));
  return to;
}

MILLET_INLINE F32x4 low_half(F32x8 v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
MILLET_INLINE F32x4 high_half(F32x8 v) { return __builtin_shufflevector(v, v, 4, 5, 6, 7); }

// The largest lane of 8 or 16 (none is NaN), and the sum of all lanes (exact: order does not matter to integers).
template <class V>
MILLET_INLINE auto largest_lane(V v) {
  if constexpr (sizeof(V) == 64) {
    const auto low = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
    const auto high = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    return largest_lane(low > high ? low : high);
  } else {
    auto a = __builtin_shufflevector(v, v, 0, 1, 2, 3);
    const auto b = __builtin_shufflevector(v, v, 4, 5, 6, 7);
    a = a > b ? a : b;
    const auto turned = __builtin_shufflevector(a, a, 2, 3, 0, 1);
    a = a > turned ? a : turned;
    return a[0] > a[1] ? a[0] : a[1];
  }
}

MILLET_INLINE int32_t sum_lanes(I32x8 v) {
  I32x4 a = __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
  a += __builtin_shufflevector(a, a, 2, 3, 0, 1);
  return a[0] + a[1];
}

// Nearest integer, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no bits for a fraction.
template <class V>
MILLET_INLINE V nearest(V x) {
  return (x + 12582912.0f) - 12582912.0f;
}

// Eight f16 as f32, as ../assembly/constants.ts does it: infinities come out as 65536 and up.
MILLET_INLINE F32x8 halves(const void* p) {
  const I32x8 bits = __builtin_convertvector(load<U16x8>(p), I32x8);
  const I32x8 moved = ((bits & 0x7fff) << 13) | ((bits & 0x8000) << 16);
  return bits_as<F32x8>(moved) * 5.192296858534828e33f;
}

// Eight bf16 as f32.
MILLET_INLINE F32x8 brains(const void* p) {
  return bits_as<F32x8>(__builtin_convertvector(load<U16x8>(p), I32x8) << 16);
}

}  // namespace millet
