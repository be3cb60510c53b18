// pack_<type>: rows of a weight as files hold them (GGML's block formats) to groups of 8 rows as `linear` reads them.
// Shared by groups. Rows that are missing from the last group become zero.
#include "../engine/packed.h"
#include "../engine/vec.h"
#include "kernels.h"
#include "pack-codes.h"

namespace millet::MILLET_LEVEL {

using Operand = PackOperand;

template <class Element>
MILLET_INLINE void pack_row_plain(const uint8_t* raw, int32_t width, int32_t lane, uint8_t* packed) {
  for (int64_t k = 0; k < width; k++) {
    memcpy(packed + (k * 8 + lane) * sizeof(Element), raw + k * sizeof(Element), sizeof(Element));
  }
}

MILLET_INLINE void pack_row_q8_0(const uint8_t* raw, int32_t width, int32_t lane, uint8_t* packed) {
  for (int32_t b = 0; b < width >> 5; b++) {
    memcpy(packed + lane * 2, raw, 2);
    for (int j = 0; j < 8; j++) memcpy(packed + 16 + j * 32 + lane * 4, raw + 2 + j * 4, 4);
    raw += 34;
    packed += packed_block_bytes(PackedType::Q8_0);
  }
}

// Eight bytes of a file's block to one word of vector j and one of vector j + 2.
MILLET_INLINE void pack_nibbles(const uint8_t* source, uint8_t* target) {
  const uint32_t a = load<uint32_t>(source);
  const uint32_t b = load<uint32_t>(source + 4);
  store(target, (a & 0x0f0f0f0fu) | ((b & 0x0f0f0f0fu) << 4));
  store(target + 64, ((a >> 4) & 0x0f0f0f0fu) | (b & 0xf0f0f0f0u));
}

// A file's block holds elements 0..15 in the low and 16..31 in the high nibbles of 16 bytes, after its scale (and
// minimum).
template <PackedType kType>
MILLET_INLINE void pack_row_q4(const uint8_t* raw, int32_t width, int32_t lane, uint8_t* packed) {
  constexpr bool kAffine = kType == PackedType::Q4_1;
  for (int32_t b = 0; b < width >> 5; b++) {
    memcpy(packed + lane * 2, raw, 2);
    if (kAffine) memcpy(packed + 16 + lane * 2, raw + 2, 2);
    const uint8_t* source = raw + (kAffine ? 4 : 2);
    uint8_t* target = packed + (kAffine ? 32 : 16) + lane * 4;
    pack_nibbles(source, target);
    pack_nibbles(source + 8, target + 32);
    raw += kAffine ? 20 : 18;
    packed += packed_block_bytes(kType);
  }
}

template <PackedType kType>
MILLET_INLINE void pack_row(const uint8_t* raw, int32_t width, int32_t lane, uint8_t* packed) {
  if constexpr (kType == PackedType::F32) pack_row_plain<uint32_t>(raw, width, lane, packed);
  else if constexpr (!is_quantized(kType)) pack_row_plain<uint16_t>(raw, width, lane, packed);
  else if constexpr (kType == PackedType::Q8_0) pack_row_q8_0(raw, width, lane, packed);
  else if constexpr (kType > PackedType::F32) pack_row_codes<kType>(raw, width, lane, packed);
  else pack_row_q4<kType>(raw, width, lane, packed);
}

template <PackedType kType>
MILLET_INLINE void pack(const Run& run, const uint32_t* step) {
  const int32_t rows = word(step, Operand::Rows);
  const int32_t width = word(step, Operand::Width);
  const int32_t groups = (rows + 7) >> 3;
  const int64_t group_bytes = packed_group_bytes(kType, width);
  const int64_t row_bytes = width / packed_block_inputs(kType) * raw_block_bytes(kType);
  for (int32_t group = share_start(run, groups); group < share_end(run, groups); group++) {
    if (aborted(run)) return;
    uint8_t* packed = address(run, step, Operand::Packed) + group_bytes * group;
    const uint8_t* raw = address(run, step, Operand::Raw) + row_bytes * group * 8;
    const int32_t present = min(8, rows - group * 8);
    if (present < 8) memset(packed, 0, group_bytes);
    for (int32_t lane = 0; lane < present; lane++) pack_row<kType>(raw + row_bytes * lane, width, lane, packed);
  }
}

void pack_q4_0(const Run& run, const uint32_t* step) { pack<PackedType::Q4_0>(run, step); }
void pack_q4_1(const Run& run, const uint32_t* step) { pack<PackedType::Q4_1>(run, step); }
void pack_q8_0(const Run& run, const uint32_t* step) { pack<PackedType::Q8_0>(run, step); }
void pack_f16(const Run& run, const uint32_t* step) { pack<PackedType::F16>(run, step); }
void pack_bf16(const Run& run, const uint32_t* step) { pack<PackedType::BF16>(run, step); }
void pack_f32(const Run& run, const uint32_t* step) { pack<PackedType::F32>(run, step); }
void pack_q4_k(const Run& run, const uint32_t* step) { pack<PackedType::Q4_K>(run, step); }
void pack_q5_k(const Run& run, const uint32_t* step) { pack<PackedType::Q5_K>(run, step); }
void pack_q6_k(const Run& run, const uint32_t* step) { pack<PackedType::Q6_K>(run, step); }
void pack_q5_0(const Run& run, const uint32_t* step) { pack<PackedType::Q5_0>(run, step); }
void pack_q5_1(const Run& run, const uint32_t* step) { pack<PackedType::Q5_1>(run, step); }
void pack_iq4_nl(const Run& run, const uint32_t* step) { pack<PackedType::IQ4_NL>(run, step); }
void pack_iq4_xs(const Run& run, const uint32_t* step) { pack<PackedType::IQ4_XS>(run, step); }
void pack_q3_k(const Run& run, const uint32_t* step) { pack<PackedType::Q3_K>(run, step); }
void pack_q2_k(const Run& run, const uint32_t* step) { pack<PackedType::Q2_K>(run, step); }

}  // namespace millet::MILLET_LEVEL
