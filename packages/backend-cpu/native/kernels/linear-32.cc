// Products of the types with blocks of 32 inputs.
#include "linear.h"

namespace millet::MILLET_LEVEL {

void linear_q4_0(const Run& run, const uint32_t* step) { linear<PackedType::Q4_0>(run, step); }
void linear_q4_1(const Run& run, const uint32_t* step) { linear<PackedType::Q4_1>(run, step); }
void linear_q5_0(const Run& run, const uint32_t* step) { linear<PackedType::Q5_0>(run, step); }
void linear_q5_1(const Run& run, const uint32_t* step) { linear<PackedType::Q5_1>(run, step); }
void linear_q8_0(const Run& run, const uint32_t* step) { linear<PackedType::Q8_0>(run, step); }
void linear_iq4_nl(const Run& run, const uint32_t* step) { linear<PackedType::IQ4_NL>(run, step); }

}  // namespace millet::MILLET_LEVEL
