// The kernels of one ISA level, by the names of their files. Each level compiles them in a namespace of its own.
#pragma once

#include "../engine/step.h"

#ifndef MILLET_LEVEL
#error "define MILLET_LEVEL, the namespace of the ISA level that is compiled"
#endif

#define MILLET_BASE_KERNELS(F)                                                                                  \
  F(Embedding, embedding) F(RmsNorm, rms_norm) F(Quantize, quantize) F(Add, add) F(Mul, mul) F(Silu, silu)      \
  F(SwiGlu, swiglu) F(Gelu, gelu) F(GeluTanh, gelu_tanh) F(GeGlu, geglu) F(GeGluTanh, geglu_tanh)               \
  F(SoftCap, soft_cap) F(Scale, scale) F(LayerNorm, layer_norm) F(Refine, refine) F(GatherRows, gather_rows) F(KvPositions, kv_positions) F(KvWrite, kv_write)                \
  F(Rope, rope) F(PackQ4_0, pack_q4_0) F(PackQ4_1, pack_q4_1) F(PackQ8_0, pack_q8_0)                            \
  F(PackF16, pack_f16) F(PackBF16, pack_bf16) F(PackF32, pack_f32) F(KvCopy, kv_copy) F(KvRead, kv_read)        \
  F(KvStore, kv_store) F(Checksum, checksum) F(PackQ4_K, pack_q4_k) F(PackQ5_K, pack_q5_k)                      \
  F(PackQ6_K, pack_q6_k)                                                                                        \
  F(PackQ5_0, pack_q5_0) F(PackQ5_1, pack_q5_1) F(PackIQ4_NL, pack_iq4_nl) F(PackIQ4_XS, pack_iq4_xs)           \
  F(PackQ3_K, pack_q3_k) F(PackQ2_K, pack_q2_k)

// The kernels that levels above the base have in forms of their own.
#define MILLET_LEVEL_KERNELS(F)                                                                                 \
  F(Attention, attention)                                                                                       \
  F(LinearQ4_0, linear_q4_0) F(LinearQ4_1, linear_q4_1) F(LinearQ8_0, linear_q8_0) F(LinearF16, linear_f16)     \
  F(LinearBF16, linear_bf16) F(LinearF32, linear_f32) F(LinearQ4_K, linear_q4_k) F(LinearQ5_K, linear_q5_k)     \
  F(LinearQ6_K, linear_q6_k) F(LinearQ5_0, linear_q5_0) F(LinearQ5_1, linear_q5_1)                              \
  F(LinearIQ4_NL, linear_iq4_nl) F(LinearIQ4_XS, linear_iq4_xs) F(LinearQ3_K, linear_q3_k)                      \
  F(LinearQ2_K, linear_q2_k)

namespace millet::MILLET_LEVEL {

#define MILLET_DECLARE(opcode, name) void name(const Run& run, const uint32_t* step);
MILLET_BASE_KERNELS(MILLET_DECLARE)
MILLET_LEVEL_KERNELS(MILLET_DECLARE)
#undef MILLET_DECLARE

}  // namespace millet::MILLET_LEVEL
