// Random weights of every packed type in the file's form.
#pragma once

#include "decode.h"
#include "machine.h"

namespace millet::test {

struct TypeInfo {
  const char* name;
  PackedType type;
  Opcode linear;
  Opcode pack;
  int block;  // inputs per block of the file
  int bytes;  // bytes per block of the file
  int packed_bytes;  // bytes of 8 packed features by `block` inputs
  int scale = 0;  // place of the f16 scale in a block
  int minimum = -1;  // place of the f16 minimum, or of the minimums' scale; -1 for none
  bool quantized() const { return block > 1; }
};

constexpr TypeInfo kTypes[] = {
    {"q4_0", PackedType::Q4_0, Opcode::LinearQ4_0, Opcode::PackQ4_0, 32, 18, 144},
    {"q4_1", PackedType::Q4_1, Opcode::LinearQ4_1, Opcode::PackQ4_1, 32, 20, 160, 0, 2},
    {"q8_0", PackedType::Q8_0, Opcode::LinearQ8_0, Opcode::PackQ8_0, 32, 34, 272},
    {"f16", PackedType::F16, Opcode::LinearF16, Opcode::PackF16, 1, 2, 16},
    {"bf16", PackedType::BF16, Opcode::LinearBF16, Opcode::PackBF16, 1, 2, 16},
    {"f32", PackedType::F32, Opcode::LinearF32, Opcode::PackF32, 1, 4, 32},
    {"q4_k", PackedType::Q4_K, Opcode::LinearQ4_K, Opcode::PackQ4_K, 256, 144, 1184, 0, 2},
    {"q5_k", PackedType::Q5_K, Opcode::LinearQ5_K, Opcode::PackQ5_K, 256, 176, 1440, 0, 2},
    {"q6_k", PackedType::Q6_K, Opcode::LinearQ6_K, Opcode::PackQ6_K, 256, 210, 1680, 208},
    {"q5_0", PackedType::Q5_0, Opcode::LinearQ5_0, Opcode::PackQ5_0, 32, 22, 176},
    {"q5_1", PackedType::Q5_1, Opcode::LinearQ5_1, Opcode::PackQ5_1, 32, 24, 192, 0, 2},
    {"iq4_nl", PackedType::IQ4_NL, Opcode::LinearIQ4_NL, Opcode::PackIQ4_NL, 32, 18, 144},
    {"iq4_xs", PackedType::IQ4_XS, Opcode::LinearIQ4_XS, Opcode::PackIQ4_XS, 256, 136, 1104},
    {"q3_k", PackedType::Q3_K, Opcode::LinearQ3_K, Opcode::PackQ3_K, 256, 110, 912, 108},
    {"q2_k", PackedType::Q2_K, Opcode::LinearQ2_K, Opcode::PackQ2_K, 256, 84, 672, 80, 82},
};

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
    else memcpy(block + info.scale, &half, 2);
    if (info.minimum >= 0) memcpy(block + info.minimum, &minimum, 2);
  }
  return raw;
}

// Element i of raw weights.
inline double decode(const TypeInfo& info, const std::vector<uint8_t>& raw, size_t i) {
  return decode_block(info.type, raw.data() + i / info.block * info.bytes, static_cast<int>(i % info.block));
}

}  // namespace millet::test
