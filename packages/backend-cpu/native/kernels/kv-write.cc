// kv_positions and kv_write: the keys, values and positions of a call's rows go to their rows of the cache.
#include "kernels.h"
#include "kv-elements.h"
#include "rope.h"

namespace millet::MILLET_LEVEL {

using Operand = KvWriteOperand;

void kv_positions(const Run& run, const uint32_t* step) {
  const int32_t rows = count(run, step, KvPositionsOperand::Count);
  const uint8_t* positions = address(run, step, KvPositionsOperand::Positions);
  const uint8_t* write_rows = address(run, step, KvPositionsOperand::WriteRows);
  const uint8_t* table = block_addresses(run, step, KvPositionsOperand::Blocks);
  for (int32_t i = share_start(run, rows); i < share_end(run, rows); i++) {
    const int32_t row = i32_at(write_rows, i);
    store(positions_at(run, table, row >> 5) + (row & (KvBlock::Rows - 1)) * 4, i32_at(positions, i));
  }
}

static void write_head(const Run& run, const uint32_t* step, int32_t row, int32_t head) {
  const int32_t head_dim = word(step, Operand::HeadDim);
  const int32_t value_dim = word(step, Operand::ValueDim);
  const int32_t pairs = word(step, Operand::RotationPairs);
  const int32_t cache_row = i32_at(address(run, step, Operand::WriteRows), row);
  const int32_t slot = cache_row & (KvBlock::Rows - 1);
  uint8_t* block = block_at(run, block_addresses(run, step, Operand::Blocks), cache_row >> 5);
  const KvType type = kv_type(step, Operand::Type);
  uint8_t* keys = block + units(step, Operand::LayerOffset) + head_stride(type, head_dim, value_dim) * head;
  const float* k =
      floats(address(run, step, Operand::K) + units(step, Operand::KStride) * row) + int64_t{head} * head_dim;
  const float* table = rotation_of(address(run, step, Operand::Rotation), row, pairs);
  const bool interleaved = word(step, Operand::Interleaved) != 0;
  float* rotated = floats(address(run, step, Operand::Scratch) + units(step, Operand::ScratchPrivate) * run.thread);
  rotate(k, table, pairs, interleaved, head_dim, 1, rotated);
  store_head(key_place(type, head_dim, keys, slot), rotated);
  const float* v =
      floats(address(run, step, Operand::V) + units(step, Operand::VStride) * row) + int64_t{head} * value_dim;
  store_head(value_place(type, value_dim, keys + key_bytes(type, head_dim), slot), v);
}

void kv_write(const Run& run, const uint32_t* step) {
  if (run.thread == 0) {
    memset(address(run, step, Operand::Counters), 0, int64_t{word(step, Operand::CounterCount)} * 4);
  }
  const int32_t rows = count(run, step, Operand::Count);
  const int32_t units = rows * word(step, Operand::KvHeads);
  for (int32_t unit = share_start(run, units); unit < share_end(run, units); unit++) {
    write_head(run, step, unit % rows, unit / rows);  // rows of a head share the cache lines of its keys
  }
}

}  // namespace millet::MILLET_LEVEL
