// Lanes of 64-bit ARM with dot product (Armv8.2): one group of 8 features in two vectors. Weights are signed bytes for
// sdot: those of 4 bits are 0..15 as they stand, those of 8 bits need no offset.
#pragma once

#include <arm_neon.h>

#include "../engine/step.h"

namespace millet::MILLET_LEVEL {

struct Neon {
  static constexpr int kGroups = 1;
  static constexpr int kTokens = 4;
  static constexpr int kVectors = 4;
  static constexpr int kPrefetchBytes = 4096;
  struct F {
    float32x4_t low, high;
  };
  struct I {
    int32x4_t low, high;
  };
  struct Bytes {
    int8x16_t low, high;
  };

  MILLET_INLINE_MEMBER F zero() { return {vdupq_n_f32(0), vdupq_n_f32(0)}; }
  MILLET_INLINE_MEMBER F splat(const void* p) {
    const float32x4_t v = vld1q_dup_f32(static_cast<const float*>(p));
    return {v, v};
  }
  // Not vfmaq: products are rounded before they are added, on every level.
  MILLET_INLINE_MEMBER F add(F a, F b) { return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)}; }
  MILLET_INLINE_MEMBER F mul(F a, F b) { return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)}; }
  MILLET_INLINE_MEMBER F sub(F a, F b) { return {vsubq_f32(a.low, b.low), vsubq_f32(a.high, b.high)}; }
  MILLET_INLINE_MEMBER F convert(I a) { return {vcvtq_f32_s32(a.low), vcvtq_f32_s32(a.high)}; }
  MILLET_INLINE_MEMBER void store(float* y, F v) {
    vst1q_f32(y, v.low);
    vst1q_f32(y + 4, v.high);
  }

  MILLET_INLINE_MEMBER Bytes bytes32(const uint8_t* w, int64_t) {
    return {vreinterpretq_s8_u8(vld1q_u8(w)), vreinterpretq_s8_u8(vld1q_u8(w + 16))};
  }
  MILLET_INLINE_MEMBER F halves(const uint8_t* w, int64_t) {
    const float16x8_t v = vreinterpretq_f16_u8(vld1q_u8(w));
    return {vcvt_f32_f16(vget_low_f16(v)), vcvt_high_f32_f16(v)};
  }
  MILLET_INLINE_MEMBER F brains(const uint8_t* w, int64_t) {
    const uint16x8_t v = vreinterpretq_u16_u8(vld1q_u8(w));
    return {vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(v), 16)), vreinterpretq_f32_u32(vshll_high_n_u16(v, 16))};
  }
  MILLET_INLINE_MEMBER F singles(const uint8_t* w, int64_t) {
    const float* p = reinterpret_cast<const float*>(w);
    return {vld1q_f32(p), vld1q_f32(p + 4)};
  }

  MILLET_INLINE_MEMBER Bytes low_nibbles(Bytes q) {
    return {vandq_s8(q.low, vdupq_n_s8(15)), vandq_s8(q.high, vdupq_n_s8(15))};
  }
  MILLET_INLINE_MEMBER Bytes high_nibbles(Bytes q) {
    return {vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(q.low), 4)),
            vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(q.high), 4))};
  }
  MILLET_INLINE_MEMBER Bytes weights8(Bytes w) { return w; }

  MILLET_INLINE_MEMBER I begin_bytes(const void*) { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  // Each dot takes its four activations from a lane of 16: repeating them over a vector by a load costs an instruction
  // each.
  MILLET_INLINE_MEMBER I dot_bytes(I sum, const Bytes* w, const uint8_t* x) {
    const int8x16_t v = vreinterpretq_s8_u8(vld1q_u8(x));
    sum = {vdotq_laneq_s32(sum.low, w[0].low, v, 0), vdotq_laneq_s32(sum.high, w[0].high, v, 0)};
    sum = {vdotq_laneq_s32(sum.low, w[1].low, v, 1), vdotq_laneq_s32(sum.high, w[1].high, v, 1)};
    sum = {vdotq_laneq_s32(sum.low, w[2].low, v, 2), vdotq_laneq_s32(sum.high, w[2].high, v, 2)};
    return {vdotq_laneq_s32(sum.low, w[3].low, v, 3), vdotq_laneq_s32(sum.high, w[3].high, v, 3)};
  }

  // See lanes-avx2.h.
  template <int kShift>
  MILLET_INLINE_MEMBER int8x16_t field(int8x16_t q, int mask) {
    uint8x16_t moved = vreinterpretq_u8_s8(q);
    if constexpr (kShift > 0) moved = vshrq_n_u8(moved, kShift);
    if constexpr (kShift < 0) moved = vshlq_n_u8(moved, -kShift);
    return vreinterpretq_s8_u8(vandq_u8(moved, vdupq_n_u8(static_cast<uint8_t>(mask))));
  }
  template <int kShift>
  MILLET_INLINE_MEMBER Bytes field(Bytes q, int mask) {
    return {field<kShift>(q.low, mask), field<kShift>(q.high, mask)};
  }
  MILLET_INLINE_MEMBER Bytes either(Bytes a, Bytes b) { return {vorrq_s8(a.low, b.low), vorrq_s8(a.high, b.high)}; }
  MILLET_INLINE_MEMBER Bytes look_up(Bytes codes, const int8_t* table) {
    const int8x16_t levels = vld1q_s8(table);
    return {vqtbl1q_s8(levels, vreinterpretq_u8_s8(codes.low)), vqtbl1q_s8(levels, vreinterpretq_u8_s8(codes.high))};
  }

  MILLET_INLINE_MEMBER I signed8(const uint8_t* w, int64_t) {
    const int16x8_t v = vmovl_s8(vreinterpret_s8_u8(vld1_u8(w)));
    return {vmovl_s16(vget_low_s16(v)), vmovl_high_s16(v)};
  }
  MILLET_INLINE_MEMBER I unsigned8(const uint8_t* w, int64_t) {
    const int16x8_t v = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(w)));
    return {vmovl_s16(vget_low_s16(v)), vmovl_high_s16(v)};
  }
  template <int kShift>
  MILLET_INLINE_MEMBER I int_field(I a, int mask) {
    if constexpr (kShift > 0) a = {vshrq_n_s32(a.low, kShift), vshrq_n_s32(a.high, kShift)};
    return {vandq_s32(a.low, vdupq_n_s32(mask)), vandq_s32(a.high, vdupq_n_s32(mask))};
  }
  MILLET_INLINE_MEMBER I int_zero() { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  MILLET_INLINE_MEMBER I int_add(I a, I b) { return {vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high)}; }
  template <int kShift>
  MILLET_INLINE_MEMBER I int_splat(const void* p) {
    const int32x4_t v = vld1q_dup_s32(static_cast<const int32_t*>(p));
    return int_shift<kShift>({v, v});
  }
  template <int kShift>
  MILLET_INLINE_MEMBER I int_shift(I a) {
    return {vshlq_n_s32(a.low, kShift), vshlq_n_s32(a.high, kShift)};
  }

  struct Pairs {
    I a, b;
  };
  MILLET_INLINE_MEMBER Pairs pairs(I a, I b) { return {a, b}; }
  MILLET_INLINE_MEMBER I dot_pairs(Pairs p, const void* b) {
    const int16_t* q = static_cast<const int16_t*>(b);
    const int32_t first = q[0], second = q[1];
    return {vmlaq_n_s32(vmulq_n_s32(p.a.low, first), p.b.low, second),
            vmlaq_n_s32(vmulq_n_s32(p.a.high, first), p.b.high, second)};
  }

  using Scales = I;
  MILLET_INLINE_MEMBER Scales scales(I s) { return s; }
  template <int kBits>
  MILLET_INLINE_MEMBER I dot_codes(I sum, const Bytes (&w)[4], const uint8_t* x) {
    return dot_bytes(sum, w, x);
  }
  template <int kBits>
  MILLET_INLINE_MEMBER I dot_scaled(I sum, const Bytes (&w)[4], const uint8_t* x, Scales scale) {
    const I dots = dot_codes<kBits>(int_zero(), w, x);
    return {vmlaq_s32(sum.low, scale.low, dots.low), vmlaq_s32(sum.high, scale.high, dots.high)};
  }
};

}  // namespace millet::MILLET_LEVEL
