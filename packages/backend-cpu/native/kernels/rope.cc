// rope: rotary position embedding of every head of every row, shared by rows.
#include "rope.h"

#include "kernels.h"

namespace millet::MILLET_LEVEL {

using Operand = RopeOperand;

void rope(const Run& run, const uint32_t* step) {
  const int32_t rows = count(run, step, Operand::Count);
  const int32_t heads = word(step, Operand::Heads);
  const int32_t head_dim = word(step, Operand::HeadDim);
  const int32_t pairs = word(step, Operand::RotationPairs);
  const bool interleaved = word(step, Operand::Interleaved) != 0;
  const int32_t end = min(rows, row_end(run, rows));
  for (int32_t row = row_start(run, rows); row < end; row++) {
    const float* table = rotation_of(address(run, step, Operand::Rotation), row, pairs);
    const float* x = floats(address(run, step, Operand::X) + units(step, Operand::XStride) * row);
    float* y = floats(address(run, step, Operand::Y) + units(step, Operand::YStride) * row);
    for (int32_t head = 0; head < heads; head++) {
      rotate(x, table, pairs, interleaved, head_dim, 1, y);
      x += head_dim;
      y += head_dim;
    }
  }
}

}  // namespace millet::MILLET_LEVEL
