// Products of the types without blocks.
#include "linear.h"

namespace millet::MILLET_LEVEL {

void linear_f16(const Run& run, const uint32_t* step) { linear<PackedType::F16>(run, step); }
void linear_bf16(const Run& run, const uint32_t* step) { linear<PackedType::BF16>(run, step); }
void linear_f32(const Run& run, const uint32_t* step) { linear<PackedType::F32>(run, step); }

}  // namespace millet::MILLET_LEVEL
