// refine: each row of f32 as two rows, 2i itself and 2i + 1 what is left of it once its blocks of 32 are int8 as
// quantize makes them. The product of the two, quantized and added up, knows a row to 15 bits instead of 8.
#include "../engine/vec.h"
#include "kernels.h"
#include "magnitude.h"

namespace millet::MILLET_LEVEL {

using Operand = RefineOperand;

MILLET_INLINE void refine_block(const float* x, float* rest) {
  const float largest = largest_magnitude(x);
  const float inverse = largest == 0 ? 0 : 127 / largest;
  const float scale = largest / 127;
  for (int i = 0; i < 32; i += 8) {
    const F32x8 value = load<F32x8>(x + i);
    store(rest + i, value - nearest(value * inverse) * scale);
  }
}

void refine(const Run& run, const uint32_t* step) {
  const bool replicated = word(step, Operand::Sharing) == static_cast<int32_t>(Sharing::Replicated);
  const uint8_t* x = address(run, step, Operand::X) + units(step, Operand::XPrivate) * run.thread;
  uint8_t* y = address(run, step, Operand::Y) + units(step, Operand::YPrivate) * run.thread;
  const int64_t y_stride = units(step, Operand::YStride);
  const int32_t blocks = word(step, Operand::Width) >> 5;
  const int32_t rows = count(run, step, Operand::Count);
  const int32_t end = replicated ? rows : min(rows, row_end(run, rows));
  for (int32_t row = replicated ? 0 : row_start(run, rows); row < end; row++) {
    const uint8_t* source = x + units(step, Operand::XStride) * row;
    uint8_t* target = y + y_stride * 2 * row;
    memcpy(target, source, int64_t{blocks} * 128);
    for (int32_t b = 0; b < blocks; b++) {
      refine_block(reinterpret_cast<const float*>(source) + 32 * b, floats(target + y_stride) + 32 * b);
    }
  }
}

}  // namespace millet::MILLET_LEVEL
