// The pool: a generation counter that workers wait on.
#include "pool.h"

#include <system_error>

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace millet {

namespace {

// Short, since between calls the JavaScript thread needs a core to itself.
constexpr int kIdleSpins = 500;

}  // namespace

Pool::Pool(int threads) {
  workers_.reserve(threads);
  try {
    for (int i = 0; i < threads; i++) workers_.emplace_back([this, i] { run(i); });
  } catch (const std::system_error&) {
    if (workers_.empty()) throw;
  }
}

Pool::~Pool() { stop(); }

int Pool::process_id() {
#if defined(_WIN32)
  return 0;  // which has no fork()
#else
  return static_cast<int>(getpid());
#endif
}

void Pool::stop() {
  if (absent()) {  // there is nothing to wait for
    for (std::thread& worker : workers_) worker.detach();
    return;
  }
  while (running_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  stopping_.store(true, std::memory_order_relaxed);
  generation_.store(generation_.load() + 1);
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void Pool::start(std::function<void(int)> work, std::function<void()> finished) {
  work_ = std::move(work);
  finished_ = std::move(finished);
  running_.store(threads(), std::memory_order_relaxed);
  generation_.store(generation_.load() + 1);
}

void Pool::run(int thread) {
  for (uint32_t seen = 0;;) {
    seen = generation_.wait_while(seen, kIdleSpins);
    if (stopping_.load(std::memory_order_relaxed)) return;
    work_(thread);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      // Moved out first: the next start() may come while it runs.
      const std::function<void()> finished = std::move(finished_);
      finished();
    }
  }
}

}  // namespace millet
