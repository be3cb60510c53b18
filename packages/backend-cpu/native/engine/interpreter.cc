// The interpreter loop: one indirect call per step and share; segments end where a step's flags say so.
#include "interpreter.h"

namespace millet {

namespace {

constexpr uint32_t opcode_of(uint32_t head) { return head & 0xffff; }
constexpr bool has_barrier(uint32_t head) { return ((head >> 16) & static_cast<uint32_t>(StepFlag::Barrier)) != 0; }
constexpr uint32_t kEnd = static_cast<uint32_t>(Opcode::End);

}  // namespace

bool valid_program(const Arena& arena, const Level& level, size_t program) {
  if (program % 16 != 0) return false;
  for (size_t at = program;;) {
    if (at + 4 > arena.committed()) return false;
    const uint32_t* step = reinterpret_cast<const uint32_t*>(arena.base() + at);
    if (opcode_of(step[0]) == kEnd) return true;
    if (at + 8 > arena.committed() || step[1] < 2) return false;
    if (level.kernel(opcode_of(step[0])) == nullptr) return false;
    at += size_t{step[1]} * 4;
  }
}

namespace {

// Calls `visit` for every step of the segment that starts at `step`. Returns the next segment's first step, or End.
template <class Visit>
const uint32_t* each_step(const uint32_t* step, Visit visit) {
  if (opcode_of(step[0]) == kEnd) return step;
  do {
    visit(step);
    step += step[1];
  } while (opcode_of(step[0]) != kEnd && !has_barrier(step[0]));
  return step;
}

}  // namespace

Outcome walk(const Run& run, const Level& level, Shares& shares, size_t program) {
  const uint32_t* start = reinterpret_cast<const uint32_t*>(run.base + program);
  for (uint32_t segment = 0;;) {
    for (int share; (share = shares.claim(segment, run.thread)) >= 0;) {
      const Run own = {run.base, share, run.threads, run.abort};
      each_step(start, [&](const uint32_t* step) {
        if (!aborted(own)) level.kernel(opcode_of(step[0]))(own, step);
      });
      shares.finish(segment, *run.abort);
    }
    const Shares::Progress progress = shares.wait(segment);
    if (progress.stopped) return Outcome::Aborted;
    for (; segment < progress.complete; segment++) {
      start = each_step(start, [](const uint32_t*) {});
      if (opcode_of(start[0]) == kEnd) return Outcome::Completed;
    }
  }
}

}  // namespace millet
