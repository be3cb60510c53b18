// Matrix products of the types whose codes lie in planes of bits: 8 or 16 output features by 1 or several rows of
// quantized activations. Integers of 32 inputs are exact; blocks of 32 are added in order with one expression per type,
// the same for any tile and level: docs/packed-layouts.md.
#pragma once

#include "../engine/activations.h"
#include "codes.h"

namespace millet::MILLET_LEVEL {

// Sub-blocks of 16 with integer scales of their own.
MILLET_INLINE constexpr bool has_scaled_halves(PackedType type) {
  return type == PackedType::Q6_K || type == PackedType::Q3_K || type == PackedType::Q2_K;
}
MILLET_INLINE constexpr bool has_minimum(PackedType type) {
  return type == PackedType::Q4_1 || type == PackedType::Q5_1 || type == PackedType::Q4_K || type == PackedType::Q5_K ||
         type == PackedType::Q2_K;
}

// The scales of 32 inputs, of the lanes' features.
template <class L>
struct BlockScales {
  typename L::F scale;
  typename L::F minimum;
  typename L::I first, second;  // integer scales of the halves
  typename L::Pairs scales, minimums;
};

// Those of sub-block `i` of a block with this header.
template <class L, PackedType kType>
MILLET_INLINE BlockScales<L> block_scales(const uint8_t* header, int64_t group_bytes, int32_t i) {
  BlockScales<L> s;
  s.scale = L::halves(header, group_bytes);
  if constexpr (has_minimum(kType)) s.minimum = L::halves(header + 16, group_bytes);
  if constexpr (kType == PackedType::Q4_K || kType == PackedType::Q5_K) {
    s.scale = L::mul(s.scale, L::convert(L::unsigned8(header + 32 + 16 * i, group_bytes)));
    s.minimum = L::mul(s.minimum, L::convert(L::unsigned8(header + 40 + 16 * i, group_bytes)));
  } else if constexpr (kType == PackedType::IQ4_XS) {
    s.scale = L::mul(s.scale, L::convert(L::signed8(header + 16 + 8 * i, group_bytes)));
  } else if constexpr (kType == PackedType::Q2_K) {
    const auto first = L::unsigned8(header + 32 + 16 * i, group_bytes);
    const auto second = L::unsigned8(header + 40 + 16 * i, group_bytes);
    s.first = L::template int_field<0>(first, 15);
    s.second = L::template int_field<0>(second, 15);
    s.minimums = L::pairs(L::template int_field<4>(first, 15), L::template int_field<4>(second, 15));
  } else if constexpr (has_scaled_halves(kType)) {
    s.first = L::signed8(header + 16 + 16 * i, group_bytes);
    s.second = L::signed8(header + 24 + 16 * i, group_bytes);
    s.scales = L::pairs(s.first, s.second);
  }
  return s;
}

// What the integer sum of 32 inputs starts from: codes stand above their values by 8 (q4_0), 16 (q5_0),
// 32 (q6_k), 4 (q3_k).
template <class L, PackedType kType>
MILLET_INLINE typename L::I first_sum(const BlockScales<L>& s, const uint8_t* statistics) {
  [[maybe_unused]] const uint8_t* half_sums = statistics + kHalfSums;
  if constexpr (is_iq4(kType)) return L::begin_bytes(statistics + 4);
  else if constexpr (kType == PackedType::Q4_0) return L::template int_splat<0>(statistics + 4);
  else if constexpr (kType == PackedType::Q5_0) return L::template int_splat<1>(statistics + 4);
  else if constexpr (kType == PackedType::Q6_K) return L::template int_shift<5>(L::dot_pairs(s.scales, half_sums));
  else if constexpr (kType == PackedType::Q3_K) return L::template int_shift<2>(L::dot_pairs(s.scales, half_sums));
  else return L::int_zero();
}

// The products of half a block, for all rows of a tile.
template <class L, PackedType kType, int kTokens, int kHalf>
MILLET_INLINE void add_half(typename L::I (&sum)[kTokens], const uint8_t* planes, int64_t group_bytes,
                            const RowPlaces<kTokens>& rows, const BlockScales<L>& s) {
  typename L::Bytes w[4];
  codes<L, kType, kHalf>(planes, group_bytes, w);
  typename L::Scales scale;
  if constexpr (has_scaled_halves(kType)) scale = L::scales(kHalf == 0 ? s.first : s.second);
#pragma GCC unroll 16
  for (int t = 0; t < kTokens; t++) {
    const uint8_t* v = rows.values(t) + 16 * kHalf;
    if constexpr (has_scaled_halves(kType)) sum[t] = L::template dot_scaled<code_bits(kType)>(sum[t], w, v, scale);
    else if constexpr (!is_iq4(kType)) sum[t] = L::template dot_codes<code_bits(kType)>(sum[t], w, v);
    else
      for (int i = 0; i < 4; i += L::kVectors) sum[t] = L::dot_bytes(sum[t], w + i, v + 4 * i);
  }
}

template <class L, PackedType kType>
MILLET_INLINE typename L::F add_block(typename L::F acc, const BlockScales<L>& s, typename L::I dot,
                                      const uint8_t* statistics) {
  const auto x_scale = L::splat(statistics);
  const auto product = L::mul(L::mul(s.scale, x_scale), L::convert(dot));
  if constexpr (kType == PackedType::Q2_K) {  // the sums come negative: the same bits as subtracting
    const auto low = L::convert(L::dot_pairs(s.minimums, statistics + kHalfSums));
    return L::add(acc, L::add(product, L::mul(L::mul(s.minimum, x_scale), low)));
  }
  if constexpr (!has_minimum(kType)) return L::add(acc, product);
  const auto low = L::mul(s.minimum, L::splat(statistics + 8));
  constexpr bool kAdds = kType == PackedType::Q4_1 || kType == PackedType::Q5_1;
  return L::add(acc, kAdds ? L::add(product, low) : L::sub(product, low));
}

// One tile. `x` is the first row's block 0.
template <class L, PackedType kType, int kTokens, bool kStream>
MILLET_INLINE void codes_tile(const uint8_t* w, int64_t group_bytes, const uint8_t* x, int32_t blocks, float* y,
                              int64_t y_stride) {
  RowPlaces<kTokens> rows(x, blocks);
  constexpr int32_t kInner = packed_block_inputs(kType) >> 5;
  typename L::F acc[kTokens];
  for (int t = 0; t < kTokens; t++) acc[t] = L::zero();
  for (int32_t b = 0; b < blocks; b += kInner) {
    const uint8_t* header = w;
    if (kStream) prefetch<L::kPrefetchBytes, packed_header_bytes(kType), L::kGroups>(w, group_bytes);
    w += packed_header_bytes(kType);
    for (int32_t i = 0; i < kInner; i++) {
      if (kStream) prefetch<L::kPrefetchBytes, packed_plane_bytes(kType), L::kGroups>(w, group_bytes);
      const auto s = block_scales<L, kType>(header, group_bytes, i);
      typename L::I sum[kTokens];
#pragma GCC unroll 16
      for (int t = 0; t < kTokens; t++) sum[t] = first_sum<L, kType>(s, rows.statistics(t));
      add_half<L, kType, kTokens, 0>(sum, w, group_bytes, rows, s);
      add_half<L, kType, kTokens, 1>(sum, w, group_bytes, rows, s);
#pragma GCC unroll 16
      for (int t = 0; t < kTokens; t++) acc[t] = add_block<L, kType>(acc[t], s, sum[t], rows.statistics(t));
      w += packed_plane_bytes(kType);
      rows.x += rows.kBlock;
    }
  }
  for (int t = 0; t < kTokens; t++) L::store(y + t * y_stride, acc[t]);
}

}  // namespace millet::MILLET_LEVEL
