// Reading the words of a step (see ../assembly/opcodes.ts): operands, counts, and addresses in units of 16 bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "inline.h"
#include "opcodes.h"

namespace millet {

// What a kernel knows besides its step: the arena, which thread's share it computes, and whether the call should stop.
struct Run {
  uint8_t* base;
  int32_t thread;
  int32_t threads;
  const std::atomic<uint32_t>* abort;
};

using Kernel = void (*)(const Run& run, const uint32_t* step);

MILLET_INLINE int32_t word(const uint32_t* step, int operand) { return static_cast<int32_t>(step[operand]); }

MILLET_INLINE uint64_t units(const uint32_t* step, int operand) { return static_cast<uint64_t>(step[operand]) << 4; }

MILLET_INLINE uint8_t* address(const Run& run, const uint32_t* step, int operand) {
  return run.base + units(step, operand);
}

MILLET_INLINE float real(const uint32_t* step, int operand) {
  float value;
  memcpy(&value, step + operand, 4);
  return value;
}

// The i32 at index i of an array in the arena.
MILLET_INLINE int32_t i32_at(const uint8_t* array, int64_t i) {
  int32_t value;
  memcpy(&value, array + i * 4, 4);
  return value;
}

// The i32 that a count operand points to.
MILLET_INLINE int32_t count(const Run& run, const uint32_t* step, int operand) {
  return i32_at(address(run, step, operand), 0);
}

MILLET_INLINE float* floats(uint8_t* p) { return reinterpret_cast<float*>(p); }

MILLET_INLINE int32_t min(int32_t a, int32_t b) { return a < b ? a : b; }
MILLET_INLINE int32_t max(int32_t a, int32_t b) { return a > b ? a : b; }

// True once the call is to stop; kernels then return early, and the threads agree on it at the segment's end.
MILLET_INLINE bool aborted(const Run& run) { return run.abort->load(std::memory_order_relaxed) != 0; }

// The fixed shares of work: thread t of n takes items [items*t/n, items*(t+1)/n). Programs leave out barriers between
// steps whose threads touch only their own shares, so the rule is part of the format (../assembly/partition.ts).
MILLET_INLINE int32_t share_at(int32_t items, int32_t thread, int32_t threads) {
  return static_cast<int32_t>(static_cast<int64_t>(items) * thread / threads);
}
MILLET_INLINE int32_t share_start(const Run& run, int32_t items) { return share_at(items, run.thread, run.threads); }
MILLET_INLINE int32_t share_end(const Run& run, int32_t items) { return share_at(items, run.thread + 1, run.threads); }

// The same for rows, which are shared four by four: `quantize` writes groups of four. The end may pass `rows`.
MILLET_INLINE int32_t row_start(const Run& run, int32_t rows) { return share_start(run, (rows + 3) >> 2) * 4; }
MILLET_INLINE int32_t row_end(const Run& run, int32_t rows) { return share_end(run, (rows + 3) >> 2) * 4; }

}  // namespace millet
