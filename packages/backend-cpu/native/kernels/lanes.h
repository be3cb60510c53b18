// The vector lanes of the level that is compiled: `Wide`, and `Narrow` for a last single group of 8 features. Lanes
// differ in width and in how they multiply integers, never in results.
#pragma once

#if defined(__aarch64__)
#include "lanes-neon.h"
namespace millet::MILLET_LEVEL {
using Wide = Neon;
using Narrow = Neon;
}  // namespace millet::MILLET_LEVEL
#elif defined(__AVX512VNNI__)
#include "lanes-avx512.h"
namespace millet::MILLET_LEVEL {
using Wide = Avx512;
using Narrow = Vnni256;
}  // namespace millet::MILLET_LEVEL
#elif defined(__AVXVNNI__)
#include "lanes-avxvnni.h"
namespace millet::MILLET_LEVEL {
using Wide = Vnni256;
using Narrow = Vnni256;
}  // namespace millet::MILLET_LEVEL
#else
#include "lanes-avx2.h"
namespace millet::MILLET_LEVEL {
using Wide = Avx2;
using Narrow = Avx2;
}  // namespace millet::MILLET_LEVEL
#endif
