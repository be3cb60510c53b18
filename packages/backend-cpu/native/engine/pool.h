// An engine's threads. start() hands them one job and returns; the last thread to finish calls the job's `finished`.
// Idle threads spin for some microseconds, then sleep. The thread that calls start() never computes and never waits.
// Threads do not follow their process into a fork(): there the pool is absent().
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
  // Takes as many threads as the system gives, up to `threads`. Throws std::system_error if it gives none.
  explicit Pool(int threads);
  ~Pool();  // waits for the running job
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Whether this process is a fork() of the one that made the pool; nothing starts then.
  bool absent() const { return process_ != process_id(); }

  int threads() const { return static_cast<int>(workers_.size()); }

  // One job at a time: the previous one must have called `finished`. `work(thread)` runs on every thread.
  void start(std::function<void(int)> work, std::function<void()> finished);

 private:
  static int process_id();
  void run(int thread);
  void stop();

  const int process_ = process_id();
  std::vector<std::thread> workers_;
  std::function<void(int)> work_;
  std::function<void()> finished_;
  std::atomic<bool> stopping_{false};
  alignas(64) Signal generation_;  // counts jobs
  alignas(64) std::atomic<int> running_{0};
};

}  // namespace millet
