// Values of block-quantized weights as GGML defines its formats: plain scalar code, one element at a time, written
// apart from the kernels. Layouts are described in core's quant/<format>.ts.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "opcodes.h"

namespace millet::test {

inline double half_value(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

template <class T>
T load_at(const uint8_t* p) {
  T value;
  memcpy(&value, p, sizeof value);
  return value;
}

inline double half_at(const uint8_t* p) { return half_value(load_at<uint16_t>(p)); }

// The levels of IQ4_NL and IQ4_XS.
constexpr int kIq4Levels[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// Blocks of 32 with halves of 16 in low and high nibbles: element i of `quants`.
inline int nibble_of_32(const uint8_t* quants, int i) { return i < 16 ? quants[i] & 15 : quants[i - 16] >> 4; }
inline int bit_of_32(const uint8_t* bits, int i) { return bits[i / 8] >> (i % 8) & 1; }

// Element i of 256 in Q4_K and Q5_K: rows of 32, two a byte.
inline int k_nibble(const uint8_t* quants, int i) { return quants[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15; }
inline int k_pair_of_bits(const uint8_t* quants, int i) {
  return quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}
inline int k_bit(const uint8_t* bits, int i) { return bits[i % 32] >> (i / 32) & 1; }
inline int k6_quant(const uint8_t* block, int i) {
  const int low = block[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4) & 15;
  return (low | k_pair_of_bits(block + 128, i) << 4) - 32;
}

// 6-bit scale and minimum of sub-block j in 12 bytes.
inline int k_scale(const uint8_t* s, int j) { return j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4; }
inline int k_minimum(const uint8_t* s, int j) { return j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4; }
inline int q3_scale(const uint8_t* s, int j) {
  return ((s[j % 8] >> (j / 8 * 4) & 15) | (s[8 + j % 4] >> (j / 4 * 2) & 3) << 4) - 32;
}
inline int iq4_xs_scale(const uint8_t* block, int j) {
  return ((block[4 + j / 2] >> (j % 2 * 4) & 15) | (load_at<uint16_t>(block + 2) >> (2 * j) & 3) << 4) - 32;
}

// Element i of a block.
inline double decode_block(PackedType type, const uint8_t* b, int i) {
  switch (type) {
    case PackedType::Q4_0: return half_at(b) * (nibble_of_32(b + 2, i) - 8);
    case PackedType::Q4_1: return half_at(b) * nibble_of_32(b + 4, i) + half_at(b + 2);
    case PackedType::Q8_0: return half_at(b) * static_cast<int8_t>(b[2 + i]);
    case PackedType::Q4_K:
      return half_at(b) * k_scale(b + 4, i / 32) * k_nibble(b + 16, i) - half_at(b + 2) * k_minimum(b + 4, i / 32);
    case PackedType::Q5_K:
      return half_at(b) * k_scale(b + 4, i / 32) * (k_nibble(b + 48, i) + 16 * k_bit(b + 16, i)) -
             half_at(b + 2) * k_minimum(b + 4, i / 32);
    case PackedType::Q6_K: return half_at(b + 208) * static_cast<int8_t>(b[192 + i / 16]) * k6_quant(b, i);
    case PackedType::Q5_0: return half_at(b) * (nibble_of_32(b + 6, i) + 16 * bit_of_32(b + 2, i) - 16);
    case PackedType::Q5_1: return half_at(b) * (nibble_of_32(b + 8, i) + 16 * bit_of_32(b + 4, i)) + half_at(b + 2);
    case PackedType::IQ4_NL: return half_at(b) * kIq4Levels[nibble_of_32(b + 2, i)];
    case PackedType::IQ4_XS:
      return half_at(b) * iq4_xs_scale(b, i / 32) * kIq4Levels[nibble_of_32(b + 8 + i / 32 * 16, i % 32)];
    case PackedType::Q3_K:
      return half_at(b + 108) * q3_scale(b + 96, i / 16) * (k_pair_of_bits(b + 32, i) + 4 * k_bit(b, i) - 4);
    case PackedType::Q2_K:
      return half_at(b + 80) * (b[i / 16] & 15) * k_pair_of_bits(b + 16, i) - half_at(b + 82) * (b[i / 16] >> 4);
    case PackedType::F16: return half_at(b);
    case PackedType::BF16: {
      const uint32_t word = static_cast<uint32_t>(load_at<uint16_t>(b)) << 16;
      return load_at<float>(reinterpret_cast<const uint8_t*>(&word));
    }
    case PackedType::F32: return load_at<float>(b);
  }
  return 0;
}

}  // namespace millet::test
