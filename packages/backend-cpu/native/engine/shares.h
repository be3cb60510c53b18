// How the threads of a call share a program without waiting for a thread that the system has put aside. The steps
// between two barriers make a segment; a segment has as many shares as there are threads, and any thread may take any
// share of the current segment, its own first. A segment is complete when its shares are done, whoever did them: a
// thread that sleeps or was preempted between shares holds nobody up. Shares are fixed by their numbers, so results
// stay the same.
#pragma once

#include <memory>

#include "signal.h"

namespace millet {

class Shares {
 public:
  explicit Shares(int count) : count_(count), next_(new Place[static_cast<size_t>(count)]) {}

  // Before a call: no thread may be in one.
  void begin() {
    for (int i = 0; i < count_; i++) next_[i].segment.store(0, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    phase_.store(0);
  }

  // Takes a share of a segment, `preferred` if it is free. -1 if all are taken.
  int claim(uint32_t segment, int preferred) {
    for (int i = 0; i < count_; i++) {
      const int share = preferred + i < count_ ? preferred + i : preferred + i - count_;
      std::atomic<uint32_t>& next = next_[share].segment;
      uint32_t expected = segment;
      if (next.load(std::memory_order_relaxed) == segment &&
          next.compare_exchange_strong(expected, segment + 1, std::memory_order_relaxed)) {
        return share;
      }
    }
    return -1;
  }

  // Says that a claimed share is done. The last one of the segment decides for all whether the call stops.
  void finish(uint32_t segment, const std::atomic<uint32_t>& abort) {
    const uint32_t all = (segment + 1) * static_cast<uint32_t>(count_);
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 != all) return;
    phase_.store((segment + 1) << 1 | (abort.load(std::memory_order_relaxed) != 0 ? 1 : 0));
  }

  struct Progress {
    uint32_t complete;  // segments
    bool stopped;
  };

  // Waits until a segment is complete; more may be by then.
  Progress wait(uint32_t segment) {
    uint32_t phase = phase_.load();
    while ((phase >> 1) <= segment && (phase & 1) == 0) phase = phase_.wait_while(phase, kSpins);
    return {phase >> 1, (phase & 1) != 0};
  }

 private:
  // Some tens of microseconds: longer than the shares of a segment differ, shorter than a time slice.
  static constexpr int kSpins = 2000;

  struct alignas(64) Place {
    std::atomic<uint32_t> segment{0};  // the next one whose share here is free
  };

  const int count_;
  const std::unique_ptr<Place[]> next_;
  alignas(64) std::atomic<uint32_t> done_{0};  // shares of all segments so far
  alignas(64) Signal phase_;                   // complete segments * 2 + whether the call stops
};

}  // namespace millet
