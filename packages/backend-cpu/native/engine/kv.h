// Places in the KV cache; the layouts are described in ../assembly/kv.ts.
#pragma once

#include "step.h"

namespace millet {

// The table of blocks of the state of this call.
MILLET_INLINE const uint8_t* block_addresses(const Run& run, const uint32_t* step, int operand) {
  return run.base + (static_cast<uint64_t>(static_cast<uint32_t>(count(run, step, operand))) << 4);
}

// The keys of the first head of a block's first layer; those of the next lie `head_stride` further.
MILLET_INLINE uint8_t* block_at(const Run& run, const uint8_t* table, int32_t block) {
  return run.base +
         (static_cast<uint64_t>(static_cast<uint32_t>(i32_at(table + int64_t{block} * KvBlock::EntryBytes, 0))) << 4);
}

// The positions of a block's rows, i32[32].
MILLET_INLINE uint8_t* positions_at(const Run& run, const uint8_t* table, int32_t block) {
  return run.base +
         (static_cast<uint64_t>(static_cast<uint32_t>(i32_at(table + int64_t{block} * KvBlock::EntryBytes, 1))) << 4);
}

MILLET_INLINE KvType kv_type(const uint32_t* step, int operand) { return static_cast<KvType>(step[operand]); }

// Tiles of a head of q8_0.
MILLET_INLINE int32_t tiles_of(int32_t head_size) { return (head_size + 31) >> 5; }

// Columns of a value row, padding included.
MILLET_INLINE int32_t value_columns(KvType type, int32_t value_dim) {
  switch (type) {
    case KvType::F32:
      return (value_dim + 3) & ~3;
    case KvType::F16:
      return (value_dim + 7) & ~7;
    case KvType::Q8_0:
      return tiles_of(value_dim) * 32;
  }
  return 0;
}

MILLET_INLINE int64_t key_bytes(KvType type, int32_t head_dim) {
  if (type == KvType::Q8_0) return int64_t{tiles_of(head_dim)} * KvBlock::TileBytes;
  return int64_t{head_dim} * KvBlock::Rows * (type == KvType::F32 ? 4 : 2);
}

MILLET_INLINE int64_t value_bytes(KvType type, int32_t value_dim) {
  if (type == KvType::Q8_0) return int64_t{tiles_of(value_dim)} * KvBlock::TileBytes;
  return int64_t{value_columns(type, value_dim)} * KvBlock::Rows * (type == KvType::F32 ? 4 : 2);
}

// Bytes of keys and values of one head of one layer in a block.
MILLET_INLINE int64_t head_bytes(KvType type, int32_t head_dim, int32_t value_dim) {
  return key_bytes(type, head_dim) + value_bytes(type, value_dim);
}

// Bytes from a head of a block to the next.
MILLET_INLINE int64_t head_stride(KvType type, int32_t head_dim, int32_t value_dim) {
  return head_bytes(type, head_dim, value_dim) * KvBlock::GroupBlocks;
}

}  // namespace millet
