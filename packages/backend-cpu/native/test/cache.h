// A KV cache of groups of blocks in a machine's memory, laid out as ../engine/kv.h reads it.
#pragma once

#include "../engine/kv.h"
#include "machine.h"

namespace millet::test {

// Zeros of 8 blocks: their positions, then per head of every layer the keys and values of each block.
inline size_t group_bytes(int heads, int64_t head) {
  return size_t(KvBlock::GroupBlocks) * (KvBlock::PositionBytes + size_t(heads) * size_t(head));
}

// The table of `blocks` blocks whose heads, of all layers together, have `head` bytes each.
inline std::vector<int32_t> place_cache(Machine& machine, int blocks, int heads, int64_t head) {
  std::vector<int32_t> table;
  size_t group = 0;
  for (int b = 0; b < blocks; b++) {
    const int index = b % KvBlock::GroupBlocks;
    if (index == 0) group = machine.place(std::vector<uint8_t>(group_bytes(heads, head), 0));
    table.push_back(int32_t(units(group + KvBlock::GroupBlocks * KvBlock::PositionBytes + index * head)));
    table.push_back(int32_t(units(group + index * KvBlock::PositionBytes)));
  }
  return table;
}

}  // namespace millet::test
