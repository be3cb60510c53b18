// One element of a packed weight whose codes lie in planes (docs/packed-layouts.md), for `embedding`.
#pragma once

#include "../engine/packed.h"
#include "../engine/vec.h"
#include "codes.h"

namespace millet::MILLET_LEVEL {

// One f16 as f32; infinities come out as 65536 and up.
MILLET_INLINE float half(const uint8_t* p) {
  const uint32_t bits = load<uint16_t>(p);
  return bits_as<float>(((bits & 0x8000u) << 16) | ((bits & 0x7fffu) << 13)) * 5.192296858534828e33f;
}

// The code of lane `lane`, input `k` of 32.
template <PackedType kType>
MILLET_INLINE int32_t packed_code(const uint8_t* planes, int32_t lane, int32_t k) {
  const int32_t e = k >> 2, half = e >> 2;
  const uint8_t* own = planes + lane * 4 + (k & 3);
  const auto nibble = [&](int32_t at) { return own[at + 32 * (e >> 1)] >> (4 * (e & 1)) & 15; };
  const auto pair = [&](int32_t at, int32_t bit) { return own[at + 32 * half] >> bit & 3; };
  if constexpr (code_bits(kType) == 5) return nibble(32) | (own[0] >> ((e >> 1) + 4 * (e & 1)) & 1) << 4;
  else if constexpr (kType == PackedType::Q6_K) return nibble(64) | pair(0, 4 * (e & 1) + (e & 2)) << 4;
  else if constexpr (kType == PackedType::Q3_K) return pair(32, 2 * (e & 3)) | (own[0] >> e & 1) << 2;
  else if constexpr (kType == PackedType::Q2_K) return pair(0, 2 * (e & 3));
  else return nibble(0);
}

// Element `k` of lane `lane` of a group.
template <PackedType kType>
MILLET_INLINE float code_element(const uint8_t* group, int32_t lane, int32_t k) {
  constexpr int32_t kInputs = packed_block_inputs(kType);
  const uint8_t* header = group + (k / kInputs) * packed_block_bytes(kType);
  const int32_t i = k % kInputs >> 5;
  const int32_t code =
      packed_code<kType>(header + packed_header_bytes(kType) + i * packed_plane_bytes(kType), lane, k & 31);
  const float scale = half(header + 2 * lane);
  const auto real = [](int32_t integer) { return static_cast<float>(integer); };
  const auto integer = [&](int32_t at) { return real(static_cast<int8_t>(header[at + lane])); };
  const int32_t sixteenth = k % kInputs >> 4;
  switch (kType) {
    case PackedType::Q5_0: return scale * real(code - 16);
    case PackedType::IQ4_NL: return scale * real(kIq4Levels[code & 15]);
    case PackedType::Q5_1: return scale * real(code) + half(header + 16 + 2 * lane);
    case PackedType::IQ4_XS: return scale * integer(16 + 8 * i) * real(kIq4Levels[code & 15]);
    case PackedType::Q6_K: return scale * integer(16 + 8 * sixteenth) * real(code - 32);
    case PackedType::Q3_K: return scale * integer(16 + 8 * sixteenth) * real(code - 4);
    case PackedType::Q2_K: {
      const int32_t both = header[32 + 8 * sixteenth + lane];
      return scale * real(both & 15) * real(code) - half(header + 16 + 2 * lane) * real(both >> 4);
    }
    default:  // Q4_K, Q5_K
      return scale * integer(32 + 16 * i) * real(code) - half(header + 16 + 2 * lane) * integer(40 + 16 * i);
  }
}

}  // namespace millet::MILLET_LEVEL
