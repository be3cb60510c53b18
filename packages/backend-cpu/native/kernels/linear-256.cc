// Products of the types with blocks of 256 inputs.
#include "linear.h"

namespace millet::MILLET_LEVEL {

void linear_q2_k(const Run& run, const uint32_t* step) { linear<PackedType::Q2_K>(run, step); }
void linear_q3_k(const Run& run, const uint32_t* step) { linear<PackedType::Q3_K>(run, step); }
void linear_q4_k(const Run& run, const uint32_t* step) { linear<PackedType::Q4_K>(run, step); }
void linear_q5_k(const Run& run, const uint32_t* step) { linear<PackedType::Q5_K>(run, step); }
void linear_q6_k(const Run& run, const uint32_t* step) { linear<PackedType::Q6_K>(run, step); }
void linear_iq4_xs(const Run& run, const uint32_t* step) { linear<PackedType::IQ4_XS>(run, step); }

}  // namespace millet::MILLET_LEVEL
