// kv_copy, kv_read, kv_store: rows of all layers between places of the cache, or between the cache and a buffer in
// canonical order (see ../assembly/kernels/kv-rows.ts). Shared by (layer, KV head).
#include "kernels.h"
#include "kv-elements.h"

namespace millet::MILLET_LEVEL {

using Operand = KvRowsOperand;

// One row of one (layer, KV head) in the cache.
struct HeadRow {
  HeadPlace keys;
  HeadPlace values;
};

static uint8_t* block_of(const Run& run, const uint32_t* step, int32_t row) {
  return block_at(run, block_addresses(run, step, Operand::Blocks), row >> 5);
}

static uint8_t* position_of(const Run& run, const uint32_t* step, int32_t row) {
  const uint8_t* table = block_addresses(run, step, Operand::Blocks);
  return positions_at(run, table, row >> 5) + (row & (KvBlock::Rows - 1)) * 4;
}

static HeadRow head_row(const Run& run, const uint32_t* step, int32_t unit, int32_t row) {
  const KvType type = kv_type(step, Operand::Type);
  const int32_t head_dim = word(step, Operand::HeadDim);
  const int32_t value_dim = word(step, Operand::ValueDim);
  const int32_t slot = row & (KvBlock::Rows - 1);
  uint8_t* head = block_of(run, step, row) + head_stride(type, head_dim, value_dim) * unit;
  return {key_place(type, head_dim, head, slot), value_place(type, value_dim, head + key_bytes(type, head_dim), slot)};
}

// Rows are copied backwards where source and target overlap that way.
MILLET_INLINE int32_t ordered(const uint32_t* step, int32_t i, int32_t rows) {
  return word(step, Operand::FromRow) < word(step, Operand::ToRow) ? rows - 1 - i : i;
}

static void copy_row(const Run& run, const uint32_t* step, int32_t unit, int32_t i) {
  const HeadRow from = head_row(run, step, unit, word(step, Operand::FromRow) + i);
  const HeadRow to = head_row(run, step, unit, word(step, Operand::ToRow) + i);
  copy_head(from.keys, to.keys);
  copy_head(from.values, to.values);
}

void kv_copy(const Run& run, const uint32_t* step) {
  const int32_t rows = word(step, Operand::Count);
  const int32_t units = word(step, Operand::Layers) * word(step, Operand::KvHeads);
  for (int32_t i = 0; run.thread == 0 && i < rows; i++) {
    const int32_t row = ordered(step, i, rows);
    store(position_of(run, step, word(step, Operand::ToRow) + row),
          i32_at(position_of(run, step, word(step, Operand::FromRow) + row), 0));
  }
  for (int32_t unit = share_start(run, units); unit < share_end(run, units); unit++) {
    for (int32_t i = 0; i < rows; i++) copy_row(run, step, unit, ordered(step, i, rows));
  }
}

// Calls `move_position(cache, buffer)` and `move_head(cache row, keys, values)` for every row of the buffer.
template <class MovePosition, class MoveHead>
MILLET_INLINE void exchange(const Run& run, const uint32_t* step, MovePosition move_position, MoveHead move_head) {
  const int64_t rows = word(step, Operand::Count);
  const int64_t heads = word(step, Operand::KvHeads);
  const int64_t head_dim = word(step, Operand::HeadDim);
  const int64_t value_dim = word(step, Operand::ValueDim);
  const int32_t units = word(step, Operand::Layers) * static_cast<int32_t>(heads);
  const int32_t first = word(step, Operand::FromRow);
  uint8_t* buffer = address(run, step, Operand::Buffer);
  float* keys = floats(buffer) + rows;             // [layers, rows, kvHeads, headDim]
  float* values = keys + units * rows * head_dim;  // [layers, rows, kvHeads, valueDim]
  for (int32_t i = 0; run.thread == 0 && i < rows; i++)
    move_position(position_of(run, step, first + i), buffer + i * 4);
  for (int32_t unit = share_start(run, units); unit < share_end(run, units); unit++) {
    for (int32_t i = 0; i < rows; i++) {
      const int64_t place = ((unit / heads) * rows + i) * heads + unit % heads;
      move_head(head_row(run, step, unit, first + i), keys + place * head_dim, values + place * value_dim);
    }
  }
}

void kv_read(const Run& run, const uint32_t* step) {
  exchange(
      run, step, [](const uint8_t* cache, uint8_t* buffer) { memcpy(buffer, cache, 4); },
      [](const HeadRow& row, float* keys, float* values) {
        load_head(row.keys, keys);
        load_head(row.values, values);
      });
}

void kv_store(const Run& run, const uint32_t* step) {
  exchange(
      run, step, [](uint8_t* cache, const uint8_t* buffer) { memcpy(cache, buffer, 4); },
      [](const HeadRow& row, const float* keys, const float* values) {
        store_head(row.keys, keys);
        store_head(row.values, values);
      });
}

}  // namespace millet::MILLET_LEVEL
