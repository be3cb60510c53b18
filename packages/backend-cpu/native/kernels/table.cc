// Fills the table of one level: the base level has every kernel, others only those in forms of their own.
#include "table.h"

#include "kernels.h"

namespace millet::MILLET_LEVEL {

extern const KernelTable kTable;

constexpr KernelTable make_table() {
  KernelTable table = {};
#define MILLET_ENTRY(opcode, name) table.kernels[static_cast<uint32_t>(Opcode::opcode)] = name;
#ifdef MILLET_BASE_LEVEL
  MILLET_BASE_KERNELS(MILLET_ENTRY)
#endif
  MILLET_LEVEL_KERNELS(MILLET_ENTRY)
#undef MILLET_ENTRY
  return table;
}

constinit const KernelTable kTable = make_table();

}  // namespace millet::MILLET_LEVEL
