// Rows of the types whose codes lie in planes, from the form of files (core's quant/<format>.ts) to the packed form
// (docs/packed-layouts.md). Four codes are handled at once, as the bytes of a word: word e holds inputs 4e to 4e + 3
// of 32.
#pragma once

#include "../engine/packed.h"
#include "../engine/vec.h"
#include "codes.h"

namespace millet::MILLET_LEVEL {

MILLET_INLINE constexpr int64_t raw_block_bytes(PackedType type) {
  switch (type) {
    case PackedType::Q4_K: return 144;
    case PackedType::Q5_K: return 176;
    case PackedType::Q6_K: return 210;
    case PackedType::Q5_0: return 22;
    case PackedType::Q5_1: return 24;
    case PackedType::IQ4_NL: return 18;
    case PackedType::IQ4_XS: return 136;
    case PackedType::Q3_K: return 110;
    case PackedType::Q2_K: return 84;
    case PackedType::Q4_0: return 18;
    case PackedType::Q4_1: return 20;
    case PackedType::Q8_0: return 34;
    case PackedType::F32: return 4;
    default: return 2;
  }
}

MILLET_INLINE uint32_t word_at(const uint8_t* p) { return load<uint32_t>(p); }

// Bits 0..3 as the lowest bits of four bytes.
MILLET_INLINE uint32_t spread_bits(uint32_t bits) { return ((bits & 15) * 0x00204081u) & 0x01010101u; }

// Word e of 32 inputs in low (0..15) and high nibbles (16..31) of 16 bytes.
MILLET_INLINE uint32_t nibbles_of_32(const uint8_t* quants, int e) {
  return (word_at(quants + 4 * (e & 3)) >> (e & 4)) & 0x0f0f0f0fu;
}

// Word e of sub-block i (32 inputs) of a block in a file.
template <PackedType kType>
MILLET_INLINE uint32_t file_codes(const uint8_t* raw, int i, int e) {
  const int half = i >> 2, row = i & 3;  // of 128 inputs; of 32 in such a half
  const auto pairs = [&](const uint8_t* bytes) {
    return (word_at(bytes + 32 * half + 4 * e) >> (2 * row)) & 0x03030303u;
  };
  const auto bits = [&](const uint8_t* bytes) { return (word_at(bytes + 4 * e) >> i) & 0x01010101u; };
  const auto nibbles = [&](const uint8_t* bytes) {
    return (word_at(bytes + 32 * (i >> 1) + 4 * e) >> (4 * (i & 1))) & 0x0f0f0f0fu;
  };
  switch (kType) {
    case PackedType::Q5_0: return nibbles_of_32(raw + 6, e) | spread_bits(word_at(raw + 2) >> (4 * e)) << 4;
    case PackedType::Q5_1: return nibbles_of_32(raw + 8, e) | spread_bits(word_at(raw + 4) >> (4 * e)) << 4;
    case PackedType::IQ4_NL: return nibbles_of_32(raw + 2, e);
    case PackedType::IQ4_XS: return nibbles_of_32(raw + 8 + 16 * i, e);
    case PackedType::Q4_K: return nibbles(raw + 16);
    case PackedType::Q5_K: return nibbles(raw + 48) | bits(raw + 16) << 4;
    case PackedType::Q6_K: {
      const uint32_t low = word_at(raw + 64 * half + 32 * (row & 1) + 4 * e) >> (4 * (row >> 1));
      return (low & 0x0f0f0f0fu) | pairs(raw + 128) << 4;
    }
    case PackedType::Q3_K: return pairs(raw + 32) | bits(raw) << 2;
    default: return pairs(raw + 16);  // Q2_K
  }
}

// Puts the codes of 32 inputs, for one lane, into planes.
template <PackedType kType>
MILLET_INLINE void pack_planes(const uint32_t (&q)[8], uint8_t* planes) {
  const auto put_nibbles = [&](uint8_t* target) {
    for (int p = 0; p < 4; p++) store(target + 32 * p, (q[2 * p] & 0x0f0f0f0fu) | (q[2 * p + 1] & 0x0f0f0f0fu) << 4);
  };
  const auto pair = [&](int e, int from) { return (q[e] >> from) & 0x03030303u; };
  const auto bit = [&](int e, int from) { return (q[e] >> from) & 0x01010101u; };
  if constexpr (code_bits(kType) == 5) {
    uint32_t fifth = 0;
    for (int p = 0; p < 4; p++) fifth |= bit(2 * p, 4) << p | bit(2 * p + 1, 4) << (4 + p);
    store(planes, fifth);
    put_nibbles(planes + 32);
  } else if constexpr (kType == PackedType::Q6_K) {
    for (int p = 0; p < 2; p++) {
      const int e = 4 * p;
      store(planes + 32 * p, pair(e, 4) | pair(e + 1, 4) << 4 | pair(e + 2, 4) << 2 | pair(e + 3, 4) << 6);
    }
    put_nibbles(planes + 64);
  } else if constexpr (code_bits(kType) == 4) {
    put_nibbles(planes);
  } else {
    constexpr int kPairs = kType == PackedType::Q3_K ? 32 : 0;
    for (int p = 0; p < 2; p++) {
      const int e = 4 * p;
      store(planes + kPairs + 32 * p, pair(e, 0) | pair(e + 1, 0) << 2 | pair(e + 2, 0) << 4 | pair(e + 3, 0) << 6);
    }
    uint32_t third = 0;
    for (int e = 0; e < 8; e++) third |= bit(e, 2) << e;
    if (kType == PackedType::Q3_K) store(planes, third);
  }
}

// Scale and minimum of sub-block j in the 12 bytes of q4_k and q5_k: core's quant/k-bits.ts.
MILLET_INLINE void unpack_k_scales(const uint8_t* s, int j, uint8_t* scale, uint8_t* minimum) {
  const uint8_t* upper = s + (j & 3);
  *scale = static_cast<uint8_t>(j < 4 ? upper[0] & 63 : (upper[8] & 15) | (upper[0] >> 6) << 4);
  *minimum = static_cast<uint8_t>(j < 4 ? upper[4] & 63 : upper[8] >> 4 | (upper[4] >> 6) << 4);
}

// Puts a block's scales, for one lane, into its header.
template <PackedType kType>
MILLET_INLINE void pack_header(const uint8_t* raw, int32_t lane, uint8_t* header) {
  constexpr int kScale =
      kType == PackedType::Q6_K ? 208 : kType == PackedType::Q3_K ? 108 : kType == PackedType::Q2_K ? 80 : 0;
  memcpy(header + 2 * lane, raw + kScale, 2);
  if constexpr (kType == PackedType::Q4_K || kType == PackedType::Q5_K) {
    memcpy(header + 16 + 2 * lane, raw + 2, 2);
    for (int j = 0; j < 8; j++) unpack_k_scales(raw + 4, j, header + 32 + 16 * j + lane, header + 40 + 16 * j + lane);
  } else if constexpr (kType == PackedType::Q6_K) {
    for (int j = 0; j < 16; j++) header[16 + 8 * j + lane] = raw[192 + j];
  } else if constexpr (kType == PackedType::Q5_1) {
    memcpy(header + 16 + 2 * lane, raw + 2, 2);
  } else if constexpr (kType == PackedType::IQ4_XS) {
    const uint32_t upper = load<uint16_t>(raw + 2);
    for (int j = 0; j < 8; j++) {
      const uint32_t low = raw[4 + (j >> 1)] >> (4 * (j & 1)) & 15;
      header[16 + 8 * j + lane] = static_cast<uint8_t>((low | (upper >> (2 * j) & 3) << 4) - 32);
    }
  } else if constexpr (kType == PackedType::Q3_K) {
    const uint8_t* s = raw + 96;
    for (int j = 0; j < 16; j++) {
      const int code = (s[j & 7] >> (4 * (j >> 3)) & 15) | (s[8 + (j & 3)] >> (2 * (j >> 2)) & 3) << 4;
      header[16 + 8 * j + lane] = static_cast<uint8_t>(code - 32);
    }
  } else if constexpr (kType == PackedType::Q2_K) {
    memcpy(header + 16 + 2 * lane, raw + 82, 2);
    for (int j = 0; j < 16; j++) header[32 + 8 * j + lane] = raw[j];
  }
}

template <PackedType kType>
MILLET_INLINE void pack_row_codes(const uint8_t* raw, int32_t width, int32_t lane, uint8_t* packed) {
  constexpr int32_t kInputs = packed_block_inputs(kType);
  for (int32_t k = 0; k < width; k += kInputs) {
    pack_header<kType>(raw, lane, packed);
    uint8_t* planes = packed + packed_header_bytes(kType) + 4 * lane;
    for (int i = 0; i < kInputs / 32; i++) {
      uint32_t q[8];
      for (int e = 0; e < 8; e++) q[e] = file_codes<kType>(raw, i, e);
      pack_planes<kType>(q, planes + i * packed_plane_bytes(kType));
    }
    raw += raw_block_bytes(kType);
    packed += packed_block_bytes(kType);
  }
}

}  // namespace millet::MILLET_LEVEL
