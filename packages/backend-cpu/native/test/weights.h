// Random weights of every packed type in the file's form, and their values decoded by plain scalar code.
#pragma once

#include <cmath>
#include <cstring>

#include "machine.h"

namespace millet::test {

struct TypeInfo {
  const char* name;
  PackedType type;
  Opcode linear;
  Opcode pack;
  int block;  // inputs per block of the file
  int bytes;  // bytes per block of the file
  bool quantized() const { return block == 32; }
};

constexpr TypeInfo kTypes[] = {
    {"q4_0", PackedType::Q4_0, Opcode::LinearQ4_0, Opcode::PackQ4_0, 32, 18},
    {"q4_1", PackedType::Q4_1, Opcode::LinearQ4_1, Opcode::PackQ4_1, 32, 20},
    {"q8_0", PackedType::Q8_0, Opcode::LinearQ8_0, Opcode::PackQ8_0, 32, 34},
    {"f16", PackedType::F16, Opcode::LinearF16, Opcode::PackF16, 1, 2},
    {"bf16", PackedType::BF16, Opcode::LinearBF16, Opcode::PackBF16, 1, 2},
    {"f32", PackedType::F32, Opcode::LinearF32, Opcode::PackF32, 1, 4},
};

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

// A finite f16 from 2^-10 to 1 with any sign, now and then a subnormal or zero.
inline uint16_t random_half(Random& random) {
  const uint32_t r = random.next();
  const uint16_t exponent = r % 37 == 0 ? 0 : static_cast<uint16_t>(5 + (r >> 8) % 10);
  return static_cast<uint16_t>((r & 0x8000) | exponent << 10 | (r >> 16 & 1023));
}

inline std::vector<uint8_t> random_raw(const TypeInfo& info, size_t elements, Random& random) {
  const size_t blocks = elements / info.block;
  std::vector<uint8_t> raw(blocks * info.bytes);
  for (size_t b = 0; b < blocks; b++) {
    uint8_t* block = raw.data() + b * info.bytes;
    for (int i = 0; i < info.bytes; i++) block[i] = static_cast<uint8_t>(random.next() >> 11);
    const uint16_t half = random_half(random);
    const uint16_t minimum = random_half(random);
    const float single = random.uniform(-1, 1);
    if (info.type == PackedType::BF16) memcpy(block, reinterpret_cast<const uint8_t*>(&single) + 2, 2);
    else if (info.type == PackedType::F32) memcpy(block, &single, 4);
    else memcpy(block, &half, 2);
    if (info.type == PackedType::Q4_1) memcpy(block + 2, &minimum, 2);
  }
  return raw;
}

// Element i of raw weights, as GGML defines its formats.
inline double decode(const TypeInfo& info, const std::vector<uint8_t>& raw, size_t i) {
  const uint8_t* block = raw.data() + i / info.block * info.bytes;
  const int within = static_cast<int>(i % info.block);
  const auto nibble = [&](int start) { return within < 16 ? block[start + within] & 15 : block[start + within - 16] >> 4; };
  switch (info.type) {
    case PackedType::Q4_0: return half_value(load_at<uint16_t>(block)) * (nibble(2) - 8);
    case PackedType::Q4_1:
      return half_value(load_at<uint16_t>(block)) * nibble(4) + half_value(load_at<uint16_t>(block + 2));
    case PackedType::Q8_0: return half_value(load_at<uint16_t>(block)) * static_cast<int8_t>(block[2 + within]);
    case PackedType::F16: return half_value(load_at<uint16_t>(block));
    case PackedType::BF16: {
      const uint32_t word = static_cast<uint32_t>(load_at<uint16_t>(block)) << 16;
      float value;
      memcpy(&value, &word, 4);
      return value;
    }
    case PackedType::F32: return load_at<float>(block);
  }
  return 0;
}

}  // namespace millet::test
