// Places in the KV cache; the layout is described in ../assembly/kv.ts.
#pragma once

#include "step.h"

namespace millet {

// The table of block addresses of the state of this call.
MILLET_INLINE const uint8_t* block_addresses(const Run& run, const uint32_t* step, int operand) {
  return run.base + (static_cast<uint64_t>(static_cast<uint32_t>(count(run, step, operand))) << 4);
}

MILLET_INLINE uint8_t* block_at(const Run& run, const uint8_t* table, int32_t block) {
  return run.base + (static_cast<uint64_t>(static_cast<uint32_t>(i32_at(table, block))) << 4);
}

MILLET_INLINE int32_t padded_value_dim(int32_t value_dim) { return (value_dim + 3) & ~3; }

MILLET_INLINE int64_t key_bytes(int32_t head_dim) { return int64_t{head_dim} * KvBlock::Rows * 4; }

// Bytes of keys and values of one head of one layer in a block.
MILLET_INLINE int64_t head_bytes(int32_t head_dim, int32_t value_dim) {
  return int64_t{head_dim + padded_value_dim(value_dim)} * KvBlock::Rows * 4;
}

}  // namespace millet
