// add, mul, the activations and their gated forms, soft_cap, scale: element by element on rows of f32, shared by groups of
// 8 features like the columns that `linear` writes. Columns up to the next multiple of 8 are computed too; every row has room for them.
#include "../engine/step.h"
#include "exp.h"
#include "gelu.h"
#include "kernels.h"
#include "tanh.h"

namespace millet::MILLET_LEVEL {

using Operand = ElementwiseOperand;

// x / (1 + e^-x)
MILLET_INLINE F32x8 silu8(F32x8 x) { return x / (1.0f + exp8(-x)); }

template <class Op>
MILLET_INLINE void elementwise(const Run& run, const uint32_t* step, Op op) {
  const int32_t groups = (word(step, Operand::Width) + 7) >> 3;
  const int64_t start = int64_t{share_start(run, groups)} * 32;
  const int64_t end = int64_t{share_end(run, groups)} * 32;
  const int32_t rows = count(run, step, Operand::Count);
  const uint8_t* a = address(run, step, Operand::A);
  const uint8_t* b = address(run, step, Operand::B);
  uint8_t* y = address(run, step, Operand::Y);
  for (int32_t row = 0; row < rows; row++) {
    for (int64_t i = start; i < end; i += 32) store(y + i, op(a + i, b + i));
    a += units(step, Operand::AStride);
    b += units(step, Operand::BStride);
    y += units(step, Operand::YStride);
  }
}

void add(const Run& run, const uint32_t* step) {
  elementwise(run, step, [](const uint8_t* a, const uint8_t* b) { return load<F32x8>(a) + load<F32x8>(b); });
}

void mul(const Run& run, const uint32_t* step) {
  elementwise(run, step, [](const uint8_t* a, const uint8_t* b) { return load<F32x8>(a) * load<F32x8>(b); });
}

void silu(const Run& run, const uint32_t* step) {
  elementwise(run, step, [](const uint8_t* a, const uint8_t*) { return silu8(load<F32x8>(a)); });
}

void swiglu(const Run& run, const uint32_t* step) {
  elementwise(run, step, [](const uint8_t* gate, const uint8_t* up) {
    return silu8(load<F32x8>(gate)) * load<F32x8>(up);
  });
}

void gelu(const Run& run, const uint32_t* step) {
  elementwise(run, step, [](const uint8_t* a, const uint8_t*) { return gelu8(load<F32x8>(a)); });
}

void gelu_tanh(const Run& run, const uint32_t* step) {
  elementwise(run, step, [](const uint8_t* a, const uint8_t*) { return gelu_tanh8(load<F32x8>(a)); });
}

void geglu(const Run& run, const uint32_t* step) {
  elementwise(run, step, [](const uint8_t* gate, const uint8_t* up) {
    return gelu8(load<F32x8>(gate)) * load<F32x8>(up);
  });
}

void geglu_tanh(const Run& run, const uint32_t* step) {
  elementwise(run, step, [](const uint8_t* gate, const uint8_t* up) {
    return gelu_tanh8(load<F32x8>(gate)) * load<F32x8>(up);
  });
}

void soft_cap(const Run& run, const uint32_t* step) {
  const F32x8 cap = splat8(real(step, Operand::Value));
  elementwise(run, step, [=](const uint8_t* a, const uint8_t*) { return cap * tanh8(load<F32x8>(a) / cap); });
}

void scale(const Run& run, const uint32_t* step) {
  const F32x8 factor = splat8(real(step, Operand::Value));
  elementwise(run, step, [=](const uint8_t* a, const uint8_t*) { return load<F32x8>(a) * factor; });
}

}  // namespace millet::MILLET_LEVEL
