// ISA levels: which this machine can run, and their kernels. The levels of one machine give the same bits.
#pragma once

#include <string_view>
#include <vector>

#include "../kernels/table.h"

namespace millet {

struct Level {
  std::string_view name;
  const KernelTable* base;
  const KernelTable* own;
  bool (*supported)();

  // The level's kernel for an opcode, or null if there is none.
  Kernel kernel(uint32_t opcode) const;
};

// Every level of this build, best first.
const std::vector<Level>& all_levels();

// The level of that name, or the best supported one for "auto". Null if this machine cannot run it.
const Level* find_level(std::string_view name);

}  // namespace millet
