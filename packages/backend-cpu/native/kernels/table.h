// The kernels of an ISA level, by opcode.
#pragma once

#include "../engine/step.h"

namespace millet {

constexpr uint32_t kMaxOpcode = 96;

struct KernelTable {
  Kernel kernels[kMaxOpcode];  // null where a level has none of its own
};

}  // namespace millet
