// A word that threads wait on: they spin for a while, then sleep. On Linux they sleep on a futex at once; the C++
// library's own wait() first gives up the processor several times (sched_yield), which on a busy machine costs
// milliseconds.
#pragma once

#include <atomic>
#include <climits>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <windows.h>
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

class Signal {
 public:
  uint32_t load() const { return value_.load(std::memory_order_acquire); }

  // Publishes everything before it, and wakes who waits for another value.
  void store(uint32_t value) {
    value_.store(value, std::memory_order_seq_cst);
    // Either this sees the sleeper, or the sleeper sees the value: both sides are sequentially consistent.
    if (sleepers_.load(std::memory_order_seq_cst) != 0) wake();
  }

  // Returns the value when it is no longer `old`, after about `spins` looks or some sleep.
  uint32_t wait_while(uint32_t old, int spins) {
    for (int i = 0; i < spins; i++) {
      const uint32_t value = load();
      if (value != old) return value;
      relax();
    }
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    uint32_t value = value_.load(std::memory_order_seq_cst);
    for (; value == old; value = value_.load(std::memory_order_seq_cst)) sleep(old);
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
    return value;
  }

 private:
#if defined(__linux__)
  void sleep(uint32_t old) { syscall(SYS_futex, &value_, FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0); }
  void wake() { syscall(SYS_futex, &value_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0); }
#elif defined(_WIN32)
  void sleep(uint32_t old) { WaitOnAddress(&value_, &old, sizeof old, INFINITE); }
  void wake() { WakeByAddressAll(&value_); }
#else
  void sleep(uint32_t old) { value_.wait(old, std::memory_order_acquire); }
  void wake() { value_.notify_all(); }
#endif

  std::atomic<uint32_t> value_{0};
  std::atomic<uint32_t> sleepers_{0};
};

static_assert(sizeof(std::atomic<uint32_t>) == 4, "a futex is a word");

}  // namespace millet
