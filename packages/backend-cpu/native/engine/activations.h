// Places of quantized rows in memory; the layout is described in ../assembly/activations.ts. Here the fourth word of
// the statistics holds minus the sums of inputs 0..15 and 16..31 as two i16, which one instruction multiplies with two
// scales.
#pragma once

#include "step.h"

namespace millet {

constexpr int64_t kHalfSums = 12;  // in the statistics

// Rows that stand in groups of four.
MILLET_INLINE int32_t grouped_rows(int32_t rows) { return (rows & 3) == 3 ? rows + 1 : rows & ~3; }

}  // namespace millet
