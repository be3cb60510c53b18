// rms_norm: y = x / sqrt(mean(x^2) + eps) * weight, group by group of columns.
#include <cmath>

#include "kernels.h"
#include "norm.h"

namespace millet::MILLET_LEVEL {

void rms_norm(const Run& run, const uint32_t* step) {
  each_norm_group(run, step, [](const NormGroup& group) {
    const double mean_square = sum_of_squares(group.x, 0, group.width) / group.width;
    const float factor = static_cast<float>(1 / std::sqrt(mean_square + group.epsilon));
    int32_t i = group.from;
    for (; i + 8 <= group.end; i += 8) {
      store(group.y + i, load<F32x8>(group.x + i) * factor * load<F32x8>(group.weight + i));
    }
    for (; i < group.end; i++) group.y[i] = group.x[i] * factor * group.weight[i];
  });
}

}  // namespace millet::MILLET_LEVEL
