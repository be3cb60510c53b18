// Where the threads of a call meet. The last to arrive decides for all whether the call stops, so that no thread waits for
// one that has left.
#pragma once

#include "signal.h"

namespace millet {

class Barrier {
 public:
  // Some tens of microseconds: longer than the threads of one step differ, shorter than a time slice.
  static constexpr int kSpins = 2000;

  explicit Barrier(int threads) : threads_(threads) {}

  // Meets the other threads. Returns true if the call stops: the same answer for all.
  bool meet(const std::atomic<uint32_t>& abort) {
    if (threads_ == 1) return abort.load(std::memory_order_relaxed) != 0;
    const uint32_t phase = phase_.load();
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      const uint32_t stop = abort.load(std::memory_order_relaxed) != 0 ? 1 : 0;
      phase_.store(((phase & ~1u) + 2) | stop);
      return stop != 0;
    }
    return (phase_.wait_while(phase, kSpins) & 1) != 0;
  }

 private:
  const int threads_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) Signal phase_;
};

}  // namespace millet
