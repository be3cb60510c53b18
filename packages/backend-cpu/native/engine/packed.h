// Sizes of packed weights: groups of 8 output features. See ../assembly/packed.ts.
#pragma once

#include "step.h"

namespace millet {

// Whether activations are quantized for a type.
MILLET_INLINE constexpr bool is_quantized(PackedType type) { return type < PackedType::F16 || type > PackedType::F32; }

// Inputs per block: 1, 32, or 256 for types with scales of sub-blocks.
MILLET_INLINE constexpr int32_t packed_block_inputs(PackedType type) {
  switch (type) {
    case PackedType::F16:
    case PackedType::BF16:
    case PackedType::F32: return 1;
    case PackedType::Q4_K:
    case PackedType::Q5_K:
    case PackedType::Q6_K:
    case PackedType::IQ4_XS:
    case PackedType::Q3_K:
    case PackedType::Q2_K: return 256;
    default: return 32;
  }
}

// What a block starts with, for 8 features: scales, minimums, integer scales of sub-blocks (docs/packed-layouts.md).
MILLET_INLINE constexpr int32_t packed_header_bytes(PackedType type) {
  switch (type) {
    case PackedType::Q4_1:
    case PackedType::Q5_1: return 32;
    case PackedType::Q4_K:
    case PackedType::Q5_K:
    case PackedType::Q2_K: return 160;
    case PackedType::Q6_K:
    case PackedType::Q3_K: return 144;
    case PackedType::IQ4_XS: return 80;
    case PackedType::F16:
    case PackedType::BF16:
    case PackedType::F32: return 0;
    default: return 16;
  }
}

// Planes of bits that follow, for 32 inputs; the weights themselves for types of 1 input.
MILLET_INLINE constexpr int32_t packed_plane_bytes(PackedType type) {
  switch (type) {
    case PackedType::F16:
    case PackedType::BF16: return 16;
    case PackedType::F32: return 32;
    case PackedType::Q8_0: return 256;
    case PackedType::Q6_K: return 192;
    case PackedType::Q5_0:
    case PackedType::Q5_1:
    case PackedType::Q5_K: return 160;
    case PackedType::Q3_K: return 96;
    case PackedType::Q2_K: return 64;
    default: return 128;
  }
}

MILLET_INLINE constexpr int64_t packed_block_bytes(PackedType type) {
  return packed_header_bytes(type) + packed_plane_bytes(type) * (packed_block_inputs(type) == 256 ? 8 : 1);
}

// Bytes of a group of 8 features with `width` inputs.
MILLET_INLINE int64_t packed_group_bytes(PackedType type, int32_t width) {
  return int64_t{width / packed_block_inputs(type)} * packed_block_bytes(type);
}

// Asks for the cache lines of one block of a stream of blocks, `kAhead` bytes before they are needed; of several groups
// side by side, for those of the next groups. Addresses past the arena do no harm.
template <int64_t kAhead, int64_t kBytes, int kGroups>
MILLET_INLINE void prefetch(const uint8_t* block, int64_t group_bytes) {
  const int64_t ahead = kGroups == 1 ? kAhead : kGroups * group_bytes;
  for (int group = 0; group < kGroups; group++) {
#pragma GCC unroll 8
    for (int64_t i = 0; i < kBytes; i += 64) __builtin_prefetch(block + group * group_bytes + ahead + i);
  }
}

}  // namespace millet
