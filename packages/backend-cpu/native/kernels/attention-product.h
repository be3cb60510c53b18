// The products of attention with f32 and f16: C[n][width] = C * alpha + A[n][depth] B[depth][width], n of 1 to 4
// queries. Scores take A = queries, B = transposed keys; outputs take A = probabilities, B = values. Each element is
// summed over `depth` in order, whatever n is, so that results do not depend on how queries are tiled.
#pragma once

#include "../engine/half.h"

namespace millet {

// Memory that is needed soon: asked for line by line while a product runs, since the cache is read faster than the
// processor's own prefetching follows it from block to block.
struct Ahead {
  const uint8_t* start;
  const uint8_t* end;
  int32_t lines;  // per step of the product's depth

  // The part of step `k`.
  MILLET_INLINE_MEMBER void ask(const Ahead& ahead, int32_t k) {
    const uint8_t* line = ahead.start + int64_t{k} * ahead.lines * 64;
    for (int32_t i = 0; i < ahead.lines; i++, line += 64) {
      if (line < ahead.end) __builtin_prefetch(line);
    }
  }
};

MILLET_INLINE Ahead ahead_of(const uint8_t* start, int64_t bytes, int32_t depth) {
  return {start, start + bytes, static_cast<int32_t>((bytes + 64 * depth - 1) / (64 * depth))};
}

// How elements of B lie in memory, and a vector of them as f32.
struct Singles {
  using Element = float;
  template <class V>
  MILLET_INLINE_MEMBER V columns(const Element* p) {
    return load<V>(p);
  }
};
struct Halves {
  using Element = uint16_t;
  template <class V>
  MILLET_INLINE_MEMBER V columns(const Element* p) {
    return load_halves<V>(p);
  }
};

template <class B>
struct Matrices {
  const float* a;
  int64_t a_stride;
  const typename B::Element* b;
  int64_t b_stride;
  int32_t depth;
  float* c;
  int64_t c_stride;
  const float* alphas;  // one per row, or null for C = A B
  Ahead ahead;
};

// The widest vector of the level that is compiled.
#ifdef __AVX512F__
typedef F32x16 Widest;
#else
typedef F32x8 Widest;
#endif

// kRows queries by kVectors vectors of columns, from `column` on.
template <class V, int kRows, int kVectors, class B>
MILLET_INLINE void product_tile(const Matrices<B>& m, int64_t column) {
  constexpr int kLanes = sizeof(V) / 4;
  V sums[kRows][kVectors];
  for (int r = 0; r < kRows; r++) {
    for (int v = 0; v < kVectors; v++) sums[r][v] = V{};
  }
  const typename B::Element* b = m.b + column;
  const Ahead ahead = column == 0 ? m.ahead : Ahead{};
  for (int32_t k = 0; k < m.depth; k++, b += m.b_stride) {
    Ahead::ask(ahead, k);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) {
      const V column_values = B::template columns<V>(b + v * kLanes);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; r++) sums[r][v] += m.a[r * m.a_stride + k] * column_values;
    }
  }
  for (int r = 0; r < kRows; r++) {
    for (int v = 0; v < kVectors; v++) {
      float* target = m.c + r * m.c_stride + column + v * kLanes;
      if (m.alphas == nullptr) store(target, sums[r][v]);
      else store(target, load<V>(target) * m.alphas[r] + sums[r][v]);
    }
  }
}

template <int kRows, class B>
MILLET_INLINE void product_rows(const Matrices<B>& m, int32_t width) {
  // About eight sums at once, so that they do not wait for each other.
  constexpr int kVectors = kRows == 1 ? 8 : kRows == 2 ? 4 : 2;
  constexpr int kLanes = sizeof(Widest) / 4;
  int32_t column = 0;
  for (; column + kVectors * kLanes <= width; column += kVectors * kLanes) {
    product_tile<Widest, kRows, kVectors>(m, column);
  }
  if constexpr (kVectors > 2) {
    for (; column + 2 * kLanes <= width; column += 2 * kLanes) product_tile<Widest, kRows, 2>(m, column);
  }
  for (; column + 8 <= width; column += 8) product_tile<F32x8, kRows, 1>(m, column);
  for (; column < width; column += 4) product_tile<F32x4, kRows, 1>(m, column);
}

template <class B>
MILLET_INLINE void product(int n, const Matrices<B>& m, int32_t width) {
  if (n == 1) product_rows<1>(m, width);
  else if (n == 2) product_rows<2>(m, width);
  else if (n == 3) product_rows<3>(m, width);
  else product_rows<4>(m, width);
}

}  // namespace millet
