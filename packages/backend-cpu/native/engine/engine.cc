// Engine: glue between pool and interpreter.
#include "engine.h"

#include <new>

namespace millet {

Engine::Engine(const Level& level, int threads, size_t reserved_bytes)
    : level_(level), threads_(threads), arena_(std::make_shared<Arena>(reserved_bytes)), shares_(threads) {
  if (!arena_->valid()) throw std::bad_alloc();
  pool_ = std::make_unique<Pool>(threads);
}

Engine::~Engine() {
  abort();
  pool_.reset();
  arena_->release(0, arena_->committed());
}

void Engine::start(size_t program, std::function<void(Outcome)> finished) {
  abort_.store(0, std::memory_order_relaxed);
  shares_.begin();
  const auto work = [this, program](int thread) {
    const Run run = {arena_->base(), thread, threads_, &abort_};
    const Outcome outcome = walk(run, level_, shares_, program);
    if (thread == 0) outcome_.store(outcome, std::memory_order_relaxed);
  };
  pool_->start(work, [this, finished = std::move(finished)] { finished(outcome_.load(std::memory_order_relaxed)); });
}

}  // namespace millet
