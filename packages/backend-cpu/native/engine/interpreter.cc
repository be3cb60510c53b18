// The interpreter loop: one indirect call per step; threads meet where a step's flags say so.
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

Outcome walk(const Run& run, const Level& level, Barrier& barrier, size_t program) {
  const uint32_t* step = reinterpret_cast<const uint32_t*>(run.base + program);
  for (;; step += step[1]) {
    const uint32_t head = step[0];
    if (has_barrier(head) && barrier.meet(*run.abort)) return Outcome::Aborted;
    if (opcode_of(head) == kEnd) break;
    // After an abort the threads still go from barrier to barrier, until one of these stops them all.
    if (!aborted(run)) level.kernel(opcode_of(head))(run, step);
  }
  return barrier.meet(*run.abort) ? Outcome::Aborted : Outcome::Completed;
}

}  // namespace millet
