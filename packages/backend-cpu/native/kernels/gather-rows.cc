// gather_rows: y[i, :] = x[indices[i], :], shared by groups of 8 features. Indices out of range are the host's to
// refuse.
#include "../engine/step.h"
#include "kernels.h"

namespace millet::MILLET_LEVEL {

using Operand = GatherRowsOperand;

void gather_rows(const Run& run, const uint32_t* step) {
  const int32_t groups = (word(step, Operand::Width) + 7) >> 3;
  const int64_t start = int64_t{share_start(run, groups)} * 32;
  const int64_t bytes = int64_t{share_end(run, groups)} * 32 - start;
  const uint8_t* x = address(run, step, Operand::X) + start;
  const uint8_t* indices = address(run, step, Operand::Indices);
  uint8_t* y = address(run, step, Operand::Y) + start;
  const int32_t rows = count(run, step, Operand::Count);
  for (int32_t i = 0; i < rows; i++) {
    memmove(y, x + units(step, Operand::XStride) * i32_at(indices, i), bytes);
    y += units(step, Operand::YStride);
  }
}

}  // namespace millet::MILLET_LEVEL
