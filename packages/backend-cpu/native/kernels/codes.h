// Codes of the types that keep them in planes of bits (docs/packed-layouts.md): four vectors of 32 bytes, 16 inputs of
// the lanes' features, rebuilt from the planes of 32 inputs.
#pragma once

#include "../engine/packed.h"
#include "lanes.h"

namespace millet::MILLET_LEVEL {

// The levels of IQ4_NL and IQ4_XS: core's quant/iq4-levels.ts.
alignas(16) static const int8_t kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                  1,    13,   25,  38,  53,  69,  89,  113};

MILLET_INLINE constexpr bool is_iq4(PackedType type) {
  return type == PackedType::IQ4_NL || type == PackedType::IQ4_XS;
}

MILLET_INLINE constexpr int code_bits(PackedType type) {
  switch (type) {
    case PackedType::Q6_K: return 6;
    case PackedType::Q5_0:
    case PackedType::Q5_1:
    case PackedType::Q5_K: return 5;
    case PackedType::Q3_K: return 3;
    case PackedType::Q2_K: return 2;
    default: return 4;
  }
}

// Nibble planes 2h and 2h + 1.
template <class L, int kHalf>
MILLET_INLINE void nibble_codes(const uint8_t* planes, int64_t group_bytes, typename L::Bytes (&w)[4]) {
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    const auto plane = L::bytes32(planes + (2 * kHalf + i) * 32, group_bytes);
    w[2 * i] = L::low_nibbles(plane);
    w[2 * i + 1] = L::high_nibbles(plane);
  }
}

// Adds the bits of `plane` that `mask` keeps after a shift to the right by kShift to a vector.
template <class L, int kShift>
MILLET_INLINE void add_bits(typename L::Bytes& w, typename L::Bytes plane, int mask) {
  w = L::either(w, L::template field<kShift>(plane, mask));
}

// Inputs 16 kHalf to 16 kHalf + 15.
template <class L, PackedType kType, int kHalf>
MILLET_INLINE void codes(const uint8_t* planes, int64_t group_bytes, typename L::Bytes (&w)[4]) {
  if constexpr (code_bits(kType) <= 3) {
    const uint8_t* pairs = planes + (kType == PackedType::Q3_K ? 32 : 0) + 32 * kHalf;
    const auto plane = L::bytes32(pairs, group_bytes);
    w[0] = L::template field<0>(plane, 3);
    w[1] = L::template field<2>(plane, 3);
    w[2] = L::template field<4>(plane, 3);
    w[3] = L::template field<6>(plane, 3);
  } else if constexpr (code_bits(kType) == 4) {
    nibble_codes<L, kHalf>(planes, group_bytes, w);
  } else {
    nibble_codes<L, kHalf>(planes + (kType == PackedType::Q6_K ? 64 : 32), group_bytes, w);
  }
  if constexpr (kType == PackedType::Q3_K) {  // third bits: vector e in bit e
    const auto plane = L::bytes32(planes, group_bytes);
    add_bits<L, 4 * kHalf - 2>(w[0], plane, 4);
    add_bits<L, 4 * kHalf - 1>(w[1], plane, 4);
    add_bits<L, 4 * kHalf>(w[2], plane, 4);
    add_bits<L, 4 * kHalf + 1>(w[3], plane, 4);
  } else if constexpr (code_bits(kType) == 5) {  // vector 2p in bit p, 2p + 1 in bit 4 + p
    const auto plane = L::bytes32(planes, group_bytes);
    add_bits<L, 2 * kHalf - 4>(w[0], plane, 16);
    add_bits<L, 2 * kHalf>(w[1], plane, 16);
    add_bits<L, 2 * kHalf - 3>(w[2], plane, 16);
    add_bits<L, 2 * kHalf + 1>(w[3], plane, 16);
  } else if constexpr (kType == PackedType::Q6_K) {  // vectors 0 to 3 of a half in bits 0, 4, 2, 6 and the next
    const auto plane = L::bytes32(planes + 32 * kHalf, group_bytes);
    add_bits<L, -4>(w[0], plane, 48);
    add_bits<L, 0>(w[1], plane, 48);
    add_bits<L, -2>(w[2], plane, 48);
    add_bits<L, 2>(w[3], plane, 48);
  } else if constexpr (is_iq4(kType)) {
    for (int i = 0; i < 4; i++) w[i] = L::look_up(w[i], kIq4Levels);
  }
}

}  // namespace millet::MILLET_LEVEL
