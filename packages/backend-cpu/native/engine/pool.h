// An engine's threads. start() hands them one job and returns; the last thread to finish calls the job's `finished`. Idle
// threads spin for some microseconds, then sleep. The thread that calls start() never computes and never waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "signal.h"

namespace millet {

class Pool {
 public:
  // Throws std::system_error if the system has no more threads; none is left behind then.
  explicit Pool(int threads);
  ~Pool();  // waits for the running job
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()); }

  // One job at a time: the previous one must have called `finished`. `work(thread)` runs on every thread.
  void start(std::function<void(int)> work, std::function<void()> finished);

 private:
  void run(int thread);
  void stop();

  std::vector<std::thread> workers_;
  std::function<void(int)> work_;
  std::function<void()> finished_;
  std::atomic<bool> stopping_{false};
  alignas(64) Signal generation_;  // counts jobs
  alignas(64) std::atomic<int> running_{0};
};

}  // namespace millet
