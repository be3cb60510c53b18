// Where the threads of a call meet: they spin for a while, then sleep. The last to arrive decides for all whether the call
// stops, so that no thread waits for one that has left.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace millet {

// Lets the other hardware thread of a core run, and the core save power, for a few tens of cycles.
inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

// Returns when `value` is no longer `old`: spins about `spins` times, then sleeps.
inline void wait_while_equal(const std::atomic<uint32_t>& value, uint32_t old, int spins) {
  for (int i = 0; i < spins; i++) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

class Barrier {
 public:
  // Some tens of microseconds: longer than threads of one step differ, shorter than a time slice.
  static constexpr int kSpins = 2000;

  explicit Barrier(int threads) : threads_(threads) {}

  // Meets the other threads. Returns true if the call stops: the same answer for all.
  bool meet(const std::atomic<uint32_t>& abort) {
    if (threads_ == 1) return abort.load(std::memory_order_relaxed) != 0;
    const uint32_t phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      const uint32_t stop = abort.load(std::memory_order_relaxed) != 0 ? 1 : 0;
      phase_.store(((phase & ~1u) + 2) | stop, std::memory_order_release);
      phase_.notify_all();
      return stop != 0;
    }
    wait_while_equal(phase_, phase, kSpins);
    return (phase_.load(std::memory_order_acquire) & 1) != 0;
  }

 private:
  const int threads_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<uint32_t> phase_{0};
};

}  // namespace millet
