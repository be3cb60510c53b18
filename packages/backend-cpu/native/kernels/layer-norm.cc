// layer_norm: y = (x - mean) / sqrt(variance + eps) * weight + bias, group by group of columns.
#include <cmath>

#include "kernels.h"
#include "norm.h"

namespace millet::MILLET_LEVEL {

MILLET_INLINE void scale_group(const NormGroup& group, float mean, float factor) {
  int32_t i = group.from;
  for (; i + 8 <= group.end; i += 8) {
    const F32x8 scaled = (load<F32x8>(group.x + i) - mean) * factor * load<F32x8>(group.weight + i);
    store(group.y + i, group.bias == nullptr ? scaled : scaled + load<F32x8>(group.bias + i));
  }
  for (; i < group.end; i++) {
    const float scaled = (group.x[i] - mean) * factor * group.weight[i];
    group.y[i] = group.bias == nullptr ? scaled : scaled + group.bias[i];
  }
}

void layer_norm(const Run& run, const uint32_t* step) {
  each_norm_group(run, step, [](const NormGroup& group) {
    const double mean = sum_of(group.x, group.width) / group.width;
    const double variance = sum_of_squares(group.x, mean, group.width) / group.width;
    const float factor = static_cast<float>(1 / std::sqrt(variance + group.epsilon));
    scale_group(group, static_cast<float>(mean), factor);
  });
}

}  // namespace millet::MILLET_LEVEL
