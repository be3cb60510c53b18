// Sizes of packed weights: groups of 8 output features. See ../assembly/packed.ts.
#pragma once

#include "step.h"

namespace millet {

// Bytes of a block of 32 inputs of the block-quantized types.
MILLET_INLINE int64_t packed_block_bytes(PackedType type) {
  return type == PackedType::Q4_0 ? 144 : type == PackedType::Q4_1 ? 160 : 272;
}

// Bytes of a group of 8 features with `width` inputs.
MILLET_INLINE int64_t packed_group_bytes(PackedType type, int32_t width) {
  if (type < PackedType::F16) return (width >> 5) * packed_block_bytes(type);
  return int64_t{width} * (type == PackedType::F32 ? 32 : 16);
}

}  // namespace millet
