// checksum: 64 bits for each block of memory, to notice damage. See ../../assembly/kernels/checksum.ts.
#include "../engine/vec.h"
#include "kernels.h"

namespace millet::MILLET_LEVEL {

using Operand = ChecksumOperand;

typedef uint32_t U32x8 __attribute__((vector_size(32)));

constexpr uint32_t kFactor = 0x9e3779b1u;
constexpr uint64_t kFoldFactor = 0x9e3779b97f4a7c15u;
constexpr int kVectors = 4;  // of 8 lanes: a stripe of 128 bytes
// The processor's own prefetching ends at the end of a page.
constexpr uint64_t kPrefetchBytes = 4096;
// Blocks (of a MiB or more) that the first thread leaves to the others: a load checks its weights while JavaScript
// plans the model and builds the tokenizer, for which the first token waits longer.
constexpr int32_t kLeftBlocks = 1024;

MILLET_INLINE uint64_t block_sum(const uint8_t* data, uint64_t bytes) {
  U32x8 lanes[kVectors];
  for (U32x8& lane : lanes) lane = U32x8{1, 1, 1, 1, 1, 1, 1, 1};
  for (uint64_t at = 0; at < bytes; at += sizeof lanes) {
    for (uint64_t line = 0; line < sizeof lanes; line += 64) __builtin_prefetch(data + at + kPrefetchBytes + line);
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; i++) lanes[i] = lanes[i] * kFactor + load<U32x8>(data + at + i * sizeof(U32x8));
  }
  uint64_t sum = 0;
  for (const U32x8& vector : lanes) {
    for (int i = 0; i < 8; i++) {
      sum = (sum ^ vector[i]) * kFoldFactor;
      sum ^= sum >> 32;
    }
  }
  return sum;
}

void checksum(const Run& run, const uint32_t* step) {
  const int32_t blocks = word(step, Operand::Blocks);
  const uint64_t block_bytes = units(step, Operand::BlockUnits);
  const int32_t own = run.threads == 1 ? blocks : max(0, blocks - kLeftBlocks) / run.threads;  // of thread 0: the last
  const bool is_first = run.thread == 0;
  const int32_t stride = is_first ? 1 : run.threads - 1;
  const int32_t end = is_first ? blocks : blocks - own;
  for (int32_t block = is_first ? blocks - own : run.thread - 1; block < end; block += stride) {
    if (aborted(run)) return;
    const uint64_t bytes = block + 1 < blocks ? block_bytes : units(step, Operand::LastUnits);
    const uint64_t sum = block_sum(address(run, step, Operand::Data) + block_bytes * block, bytes);
    store(address(run, step, Operand::Sums) + int64_t{block} * 8, sum);
  }
}

}  // namespace millet::MILLET_LEVEL
