// An engine: an arena, a pool of threads and the kernels of one ISA level. Knows nothing of JavaScript. One call at a
// time.
#pragma once

#include <functional>
#include <memory>

#include "interpreter.h"
#include "pool.h"

namespace millet {

class Engine {
 public:
  // Has fewer threads if the system gives no more. Throws std::bad_alloc if the addresses cannot be reserved,
  // std::system_error if there is no thread at all.
  Engine(const Level& level, int threads, size_t reserved_bytes);
  ~Engine();  // aborts and waits for a running call; the arena's pages go back to the system

  // Shared with views of it, which may outlive the engine.
  const std::shared_ptr<Arena>& arena() { return arena_; }
  const Level& level() const { return level_; }
  int threads() const { return threads_; }
  // Whether this process is a fork() of the engine's own: its threads did not come along, and nothing may start.
  bool absent() const { return pool_->absent(); }

  // Starts the program at a byte address, which must be valid_program(). `finished` is called on a pool thread.
  void start(size_t program, std::function<void(Outcome)> finished);

  // Asks the running call to stop soon; nothing happens if there is none.
  void abort() { abort_.store(1, std::memory_order_relaxed); }

 private:
  const Level& level_;
  std::shared_ptr<Arena> arena_;
  std::unique_ptr<Pool> pool_;
  const int threads_;  // of its own: a thread that starts late asks for it while the pool already ends
  alignas(64) std::atomic<uint32_t> abort_{0};
  std::atomic<Outcome> outcome_{Outcome::Completed};
  Shares shares_;
};

}  // namespace millet
