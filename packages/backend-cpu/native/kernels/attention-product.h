// The two products of attention on small tiles: C[n][width] = C * alpha + A[n][depth] B[depth][width], n of 1 to 4 queries.
// Scores take A = queries, B = transposed keys; outputs take A = probabilities, B = values. Each element is summed over
// `depth` in order, whatever n is, so that results do not depend on how queries are tiled.
#pragma once

#include "../engine/vec.h"

namespace millet {

struct Matrices {
  const float* a;
  int64_t a_stride;
  const float* b;
  int64_t b_stride;
  int32_t depth;
  float* c;
  int64_t c_stride;
  const float* alphas;  // one per row, or null for C = A B
};

template <class V>
MILLET_INLINE V splat_as(float x) {
  if constexpr (sizeof(V) == 16) return splat4(x);
  else return splat8(x);
}

// kRows queries by kVectors vectors of columns, from `column` on.
template <class V, int kRows, int kVectors>
MILLET_INLINE void product_tile(const Matrices& m, int64_t column) {
  constexpr int kLanes = sizeof(V) / 4;
  V sums[kRows][kVectors];
  for (int r = 0; r < kRows; r++) {
    for (int v = 0; v < kVectors; v++) sums[r][v] = splat_as<V>(0);
  }
  const float* b = m.b + column;
  for (int32_t k = 0; k < m.depth; k++, b += m.b_stride) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) {
      const V column_values = load<V>(b + v * kLanes);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; r++) sums[r][v] += splat_as<V>(m.a[r * m.a_stride + k]) * column_values;
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

template <int kRows>
MILLET_INLINE void product_rows(const Matrices& m, int32_t width) {
  constexpr int kVectors = kRows == 1 ? 8 : kRows == 2 ? 4 : 2;
  int32_t column = 0;
  for (; column + kVectors * 8 <= width; column += kVectors * 8) product_tile<F32x8, kRows, kVectors>(m, column);
  if constexpr (kVectors > 4) {
    for (; column + 32 <= width; column += 32) product_tile<F32x8, kRows, 4>(m, column);
  }
  for (; column + 8 <= width; column += 8) product_tile<F32x8, kRows, 1>(m, column);
  for (; column < width; column += 4) product_tile<F32x4, kRows, 1>(m, column);
}

MILLET_INLINE void product(int n, const Matrices& m, int32_t width) {
  if (n == 1) product_rows<1>(m, width);
  else if (n == 2) product_rows<2>(m, width);
  else if (n == 3) product_rows<3>(m, width);
  else product_rows<4>(m, width);
}

}  // namespace millet
