// embedding: rows of a packed weight, chosen by token id, as f32 times a scale. The packed form is the one that
// `linear` multiplies, so that tied embeddings are resident once. Shared by groups of 8 features.
#include "../engine/packed.h"
#include "../engine/vec.h"
#include "embedding-codes.h"
#include "kernels.h"

namespace millet::MILLET_LEVEL {

using Operand = EmbeddingOperand;

MILLET_INLINE float nibble_element(const uint8_t* group, bool affine, int32_t lane, int32_t k) {
  const uint8_t* block = group + (k >> 5) * packed_block_bytes(affine ? PackedType::Q4_1 : PackedType::Q4_0);
  const int32_t within = k & 31;
  const uint8_t pair = block[(affine ? 32 : 16) + (within >> 3) * 32 + lane * 4 + (within & 3)];
  const int32_t q = (within & 4) != 0 ? pair >> 4 : pair & 15;
  const float scale = half(block + lane * 2);
  if (affine) return scale * static_cast<float>(q) + half(block + 16 + lane * 2);
  return scale * static_cast<float>(q - 8);
}

MILLET_INLINE float byte_element(const uint8_t* group, int32_t lane, int32_t k) {
  const uint8_t* block = group + (k >> 5) * packed_block_bytes(PackedType::Q8_0);
  const int32_t within = k & 31;
  const int8_t q = static_cast<int8_t>(block[16 + (within >> 2) * 32 + lane * 4 + (within & 3)]);
  return half(block + lane * 2) * static_cast<float>(q);
}

// Element k of row `lane` of a packed group.
MILLET_INLINE float element(PackedType type, const uint8_t* group, int32_t lane, int32_t k) {
  const int64_t at = int64_t{k} * 8 + lane;
  switch (type) {
    case PackedType::Q4_0: return nibble_element(group, false, lane, k);
    case PackedType::Q4_1: return nibble_element(group, true, lane, k);
    case PackedType::Q8_0: return byte_element(group, lane, k);
    case PackedType::F16: return half(group + at * 2);
    case PackedType::BF16: return bits_as<float>(static_cast<uint32_t>(load<uint16_t>(group + at * 2)) << 16);
    case PackedType::F32: return load<float>(group + at * 4);
    case PackedType::Q4_K: return code_element<PackedType::Q4_K>(group, lane, k);
    case PackedType::Q5_K: return code_element<PackedType::Q5_K>(group, lane, k);
    case PackedType::Q6_K: return code_element<PackedType::Q6_K>(group, lane, k);
    case PackedType::Q5_0: return code_element<PackedType::Q5_0>(group, lane, k);
    case PackedType::Q5_1: return code_element<PackedType::Q5_1>(group, lane, k);
    case PackedType::IQ4_NL: return code_element<PackedType::IQ4_NL>(group, lane, k);
    case PackedType::IQ4_XS: return code_element<PackedType::IQ4_XS>(group, lane, k);
    case PackedType::Q3_K: return code_element<PackedType::Q3_K>(group, lane, k);
    case PackedType::Q2_K: return code_element<PackedType::Q2_K>(group, lane, k);
  }
  return 0;
}

void embedding(const Run& run, const uint32_t* step) {
  const PackedType type = static_cast<PackedType>(word(step, Operand::Type));
  const int32_t width = word(step, Operand::Width);
  const int32_t vocabulary = word(step, Operand::Vocabulary);
  const uint8_t* weight = address(run, step, Operand::Weight);
  const uint8_t* tokens = address(run, step, Operand::Tokens);
  const float scale = real(step, Operand::Scale);
  const int32_t groups = (width + 7) >> 3;
  const int32_t start = share_start(run, groups) * 8;
  const int32_t end = min(share_end(run, groups) * 8, width);
  const int32_t rows = count(run, step, Operand::Count);
  uint8_t* y = address(run, step, Operand::Y);
  for (int32_t i = 0; i < rows; i++, y += units(step, Operand::YStride)) {
    const int32_t token = i32_at(tokens, i);
    float* target = floats(y);
    if (token < 0 || token >= vocabulary) {
      for (int32_t k = start; k < end; k++) target[k] = 0;
      continue;
    }
    const uint8_t* group = weight + packed_group_bytes(type, width) * (token >> 3);
    for (int32_t k = start; k < end; k++) target[k] = element(type, group, token & 7, k) * scale;
  }
}

}  // namespace millet::MILLET_LEVEL
