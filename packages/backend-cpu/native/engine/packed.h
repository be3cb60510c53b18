// Sizes of packed weights: groups of 8 output features. See ../assembly/packed.ts.
#pragma once

#include "step.h"

namespace millet {

// Bytes of a block of 32 inputs of the block-quantized types.
MILLET_INLINE constexpr int64_t packed_block_bytes(PackedType type) {
  return type == PackedType::Q4_0 ? 144 : type == PackedType::Q4_1 ? 160 : 272;
}

// Bytes of a group of 8 features with `width` inputs.
MILLET_INLINE int64_t packed_group_bytes(PackedType type, int32_t width) {
  if (type < PackedType::F16) return (width >> 5) * packed_block_bytes(type);
  return int64_t{width} * (type == PackedType::F32 ? 32 : 16);
}

// Asks for the cache lines of one block of a stream of blocks, `kAhead` bytes before they are needed. Addresses past the
// arena do no harm.
template <int64_t kAhead, int64_t kBytes>
MILLET_INLINE void prefetch(const uint8_t* stream) {
#pragma GCC unroll 8
  for (int64_t i = 0; i < kBytes; i += 64) __builtin_prefetch(stream + kAhead + i);
}

}  // namespace millet
