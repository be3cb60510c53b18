// The two products of attention with a block of the cache, by its type: scores = queries x keys, and output = output *
// alpha + probabilities x values. `prepare_query` puts a query into the form that the type's product takes.
#pragma once

#include "attention-byte.h"
#include "attention-softmax.h"
#include "attention-tile.h"

namespace millet {

// One head of one layer in block j of a span, and the keys in its place in the next span, or null.
struct CachedHead {
  KvType type;
  int32_t head_dim;
  int32_t value_dim;
  int32_t columns;  // of values, padding included
  int j;
  const uint8_t* keys;
  const uint8_t* values;
  const uint8_t* next_keys;
};

// While keys are multiplied, their values are asked for, and then the keys of the next span.
MILLET_INLINE Ahead values_ahead(const CachedHead& head, int32_t depth) {
  return ahead_of(head.values, value_bytes(head.type, head.value_dim), depth);
}
MILLET_INLINE Ahead next_keys_ahead(const CachedHead& head, int32_t depth) {
  return head.next_keys == nullptr ? Ahead{} : ahead_of(head.next_keys, key_bytes(head.type, head.head_dim), depth);
}

// Query i was written as f32.
MILLET_INLINE void prepare_query(KvType type, const Tile& tile, int i, int32_t head_dim) {
  float* query = tile.queries + tile.query_stride * i;
  memset(query + head_dim, 0, (tile.query_stride - head_dim) * 4);
  if (type == KvType::F16) {  // as far as the WASM engine can go
    for (int32_t d = 0; d < head_dim; d++) query[d] = bounded(query[d], 65504);
  } else if (type == KvType::Q8_0) {
    tile.query_units[i] = to_shorts(query, tile.query_stride, reinterpret_cast<int16_t*>(query));
  }
}

template <class B>
MILLET_INLINE void plain_scores(const CachedHead& head, const Tile& tile, int n) {
  const auto* keys = reinterpret_cast<const typename B::Element*>(head.keys);
  product<B>(n,
             {tile.queries, tile.query_stride, keys, KvBlock::Rows, head.head_dim, tile.scores + head.j * 32, kSpanRows,
              nullptr, values_ahead(head, head.head_dim)},
             KvBlock::Rows);
}

template <class B>
MILLET_INLINE void plain_values(const CachedHead& head, const Tile& tile, int n, const float* factors) {
  const auto* values = reinterpret_cast<const typename B::Element*>(head.values);
  product<B>(n,
             {tile.scores + head.j * 32, kSpanRows, values, head.columns, KvBlock::Rows, tile.segment_output,
              tile.output_stride, factors, next_keys_ahead(head, KvBlock::Rows)},
             head.columns);
}

MILLET_INLINE void byte_scores(const CachedHead& head, const Tile& tile, int n) {
  float* scores = tile.scores + head.j * 32;
  for (int i = 0; i < n; i++) memset(scores + i * kSpanRows, 0, 32 * 4);
  for (int32_t d = 0; d < head.head_dim; d += 32) {
    const int32_t tile_start = (d >> 5) * KvBlock::TileBytes;
    const uint8_t* keys = head.keys + tile_start;
    const uint8_t* ahead = d < head.value_dim ? head.values + tile_start : nullptr;
    tile_scales(keys, tile.scales);
    const int16_t* queries = reinterpret_cast<const int16_t*>(tile.queries) + d;
    product_bytes(n, {queries, tile.query_stride * 2, keys + 64, (min(32, head.head_dim - d) + 1) >> 1, scores,
                      kSpanRows, tile.ones, tile.query_units, tile.scales, ahead});
  }
}

// Probabilities of query i times the scales of a tile's rows, as i16.
MILLET_INLINE void weigh(const Tile& tile, const float* probabilities, int i) {
  for (int r = 0; r < 32; r += 8) {
    store(tile.weighted + r, load<F32x8>(probabilities + r) * load<F32x8>(tile.scales + r));
  }
  tile.weight_units[i] = to_shorts(tile.weighted, 32, tile.weights + i * 32);
}

MILLET_INLINE void byte_values(const CachedHead& head, const Tile& tile, int n, const float* factors) {
  for (int32_t d = 0; d < head.columns; d += 32) {
    const int32_t tile_start = (d >> 5) * KvBlock::TileBytes;
    const uint8_t* values = head.values + tile_start;
    const bool has_next = head.next_keys != nullptr && d < head.head_dim;
    const uint8_t* ahead = has_next ? head.next_keys + tile_start : nullptr;
    tile_scales(values, tile.scales);
    for (int i = 0; i < n; i++) weigh(tile, tile.scores + i * kSpanRows + head.j * 32, i);
    product_bytes(n, {tile.weights, 32, values + 64, 16, tile.segment_output + d, tile.output_stride, factors,
                      tile.weight_units, tile.ones, ahead});
  }
}

MILLET_INLINE void score_block(const CachedHead& head, const Tile& tile, int n) {
  switch (head.type) {
    case KvType::F32:
      return plain_scores<Singles>(head, tile, n);
    case KvType::F16:
      return plain_scores<Halves>(head, tile, n);
    case KvType::Q8_0:
      return byte_scores(head, tile, n);
  }
}

// output * factors + probabilities x values
MILLET_INLINE void add_values(const CachedHead& head, const Tile& tile, int n, const float* factors) {
  switch (head.type) {
    case KvType::F32:
      return plain_values<Singles>(head, tile, n, factors);
    case KvType::F16:
      return plain_values<Halves>(head, tile, n, factors);
    case KvType::Q8_0:
      return byte_values(head, tile, n, factors);
  }
}

}  // namespace millet
