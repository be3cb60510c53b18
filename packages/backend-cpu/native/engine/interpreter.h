// Walks a Program (see ../assembly/opcodes.ts) on all threads of a pool at once.
#pragma once

#include <cstddef>

#include "arena.h"
#include "isa.h"
#include "shares.h"

namespace millet {

enum class Outcome : uint32_t { Completed = 0, Aborted = 1 };

// Whether the words from byte address `program` on are steps that `level` has kernels for, ending in End, within the
// committed arena. A wrong program must not become a wild jump.
bool valid_program(const Arena& arena, const Level& level, size_t program);

// Thread `run.thread`'s part of a call that has begun on `shares`. All threads return the same outcome.
Outcome walk(const Run& run, const Level& level, Shares& shares, size_t program);

}  // namespace millet
