// Places of quantized rows in memory; the layout is described in ../assembly/activations.ts.
#pragma once

#include "step.h"

namespace millet {

// Rows that stand in groups of four.
MILLET_INLINE int32_t grouped_rows(int32_t rows) { return (rows & 3) == 3 ? rows + 1 : rows & ~3; }

}  // namespace millet
