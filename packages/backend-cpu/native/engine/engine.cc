// Engine: glue between pool and interpreter.
#include "engine.h"

#include <new>

namespace millet {

namespace {

std::shared_ptr<Arena> reserve(size_t bytes) {
  auto arena = std::make_shared<Arena>(bytes);
  if (!arena->valid()) throw std::bad_alloc();
  return arena;
}

}  // namespace

Engine::Engine(const Level& level, int threads, size_t reserved_bytes)
    : level_(level),
      arena_(reserve(reserved_bytes)),
      pool_(std::make_unique<Pool>(threads)),
      threads_(pool_->threads()),
      shares_(threads_) {}

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
