// One row of one head between f32 side by side and its places in the cache, rounded as core's backend/round-kv.ts says.
#pragma once

#include "../engine/half.h"
#include "../engine/kv.h"

namespace millet {

// Where a row of one head keeps its keys or its values: element i of f32 and f16 at start + i * stride; of q8_0 the
// code in tile i / 32, element pairs `stride` and the second of a pair `odd` apart, after the tile's scale.
struct HeadPlace {
  KvType type;
  int32_t size;  // elements
  uint8_t* start;
  uint8_t* scale;
  int64_t stride;
  int64_t odd;
};

MILLET_INLINE uint8_t* code_at(const HeadPlace& place, int32_t i) {
  const int64_t within = ((i & 31) >> 1) * place.stride + (i & 1) * place.odd;
  return place.start + int64_t{i >> 5} * KvBlock::TileBytes + within;
}

// `base` is where the head's keys begin in the row's block, `slot` the row within the block.
MILLET_INLINE HeadPlace key_place(KvType type, int32_t head_dim, uint8_t* base, int64_t slot) {
  switch (type) {
    case KvType::F32:
      return {type, head_dim, base + slot * 4, nullptr, KvBlock::Rows * 4, 0};
    case KvType::F16:
      return {type, head_dim, base + slot * 2, nullptr, KvBlock::Rows * 2, 0};
    case KvType::Q8_0:
      return {type, head_dim, base + 64 + slot * 2, base + slot * 2, 64, 1};
  }
  return {};
}

MILLET_INLINE HeadPlace value_place(KvType type, int32_t value_dim, uint8_t* base, int64_t slot) {
  const int64_t columns = value_columns(type, value_dim);
  switch (type) {
    case KvType::F32:
      return {type, value_dim, base + columns * slot * 4, nullptr, 4, 0};
    case KvType::F16:
      return {type, value_dim, base + columns * slot * 2, nullptr, 2, 0};
    case KvType::Q8_0:
      return {type, value_dim, base + 64 + (slot >> 1) * 64 + (slot & 1), base + slot * 2, 4, 2};
  }
  return {};
}

MILLET_INLINE void store_tiles(const HeadPlace& place, const float* x) {
  for (int32_t start = 0; start < place.size; start += 32) {
    const int32_t end = min(start + 32, place.size);
    float largest = 0;
    for (int32_t i = start; i < end; i++) {
      const float magnitude = __builtin_fabsf(x[i]);
      largest = largest < magnitude ? magnitude : largest;
    }
    const float least = 6.103515625e-5f;  // the smallest normal f16
    const float scale = largest / 127;
    uint8_t* target = place.scale + int64_t{start >> 5} * KvBlock::TileBytes;
    store_half(target, scale > least ? scale : least);
    const float inverse = 1 / load_half(target);
    for (int32_t i = start; i < end; i++) {
      const float code = (bounded(x[i] * inverse, 127) + 12582912.0f) - 12582912.0f;  // to nearest
      *code_at(place, i) = static_cast<uint8_t>(static_cast<int8_t>(code));
    }
  }
}

MILLET_INLINE void store_head(const HeadPlace& place, const float* x) {
  if (place.type == KvType::Q8_0) return store_tiles(place, x);
  for (int32_t i = 0; i < place.size; i++) {
    if (place.type == KvType::F16) store_half(place.start + i * place.stride, x[i]);
    else memcpy(place.start + i * place.stride, x + i, 4);
  }
}

MILLET_INLINE void load_head(const HeadPlace& place, float* y) {
  for (int32_t i = 0; i < place.size; i++) {
    if (place.type == KvType::Q8_0) {
      const float scale = load_half(place.scale + int64_t{i >> 5} * KvBlock::TileBytes);
      y[i] = scale * static_cast<float>(static_cast<int8_t>(*code_at(place, i)));
    } else if (place.type == KvType::F16) {
      y[i] = load_half(place.start + i * place.stride);
    } else {
      memcpy(y + i, place.start + i * place.stride, 4);
    }
  }
}

// Copies bytes as they are: rounding again could only lose.
MILLET_INLINE void copy_head(const HeadPlace& from, const HeadPlace& to) {
  for (int32_t i = 0; i < from.size; i++) {
    if (from.type == KvType::Q8_0) *code_at(to, i) = *code_at(from, i);
    else memcpy(to.start + i * to.stride, from.start + i * from.stride, from.type == KvType::F32 ? 4 : 2);
  }
  for (int32_t tile = 0; from.type == KvType::Q8_0 && tile < tiles_of(from.size); tile++) {
    memcpy(to.scale + tile * KvBlock::TileBytes, from.scale + tile * KvBlock::TileBytes, 2);
  }
}

}  // namespace millet
