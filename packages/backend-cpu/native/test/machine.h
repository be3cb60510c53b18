// An engine under test: places buffers between guard bytes, runs steps and waits for them, and checks the guards.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "../engine/engine.h"

namespace millet::test {

// Failed checks so far; a test program exits with failure unless it is 0.
extern int failures;

// Reports a failed check with the name of the running case.
void fail(const std::string& what);
void begin_case(const std::string& name);

// A number that stands for all results given so far, for comparing machines: all of them compute the same bits.
extern uint64_t digest;
void digest_results(const std::vector<float>& results);

inline void check(bool passed, const std::string& what) {
  if (!passed) fail(what);
}

// A step of a program: opcode and operands.
struct Step {
  Opcode opcode;
  std::vector<uint32_t> operands;
};

uint32_t bits(float value);

class Machine {
 public:
  Machine(const std::string& level, int threads);

  // The byte address of zeroed memory, with guard bytes before and after.
  size_t allocate(size_t bytes);

  template <class T>
  T* at(size_t address) {
    return reinterpret_cast<T*>(engine_.arena()->base() + address);
  }

  // A buffer with contents, and a buffer with one i32.
  template <class T>
  size_t place(const std::vector<T>& values) {
    const size_t address = allocate(values.size() * sizeof(T));
    std::copy(values.begin(), values.end(), at<T>(address));
    return address;
  }
  size_t place_count(int32_t value) { return place(std::vector<int32_t>{value}); }

  // Runs the steps with a barrier before each, and checks the guard bytes afterwards.
  Outcome run(const std::vector<Step>& steps);

  // The same without waiting; call wait() next.
  void start(const std::vector<Step>& steps);
  Outcome wait();

  Engine& engine() { return engine_; }

  // Forgets everything that was placed.
  void reset();

 private:
  void check_guards();

  size_t next_;
  std::vector<size_t> guards_;
  Signal finished_;  // counts calls that have ended
  uint32_t started_ = 0;
  Outcome outcome_ = Outcome::Completed;
  Engine engine_;  // last: it ends before what its callback touches
};

// 16-byte units of a byte address or stride.
inline uint32_t units(size_t bytes) { return static_cast<uint32_t>(bytes / 16); }

// xorshift32: the same numbers on every run.
class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed * 2654435761u | 1) {}
  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  float uniform(float low, float high) { return low + (high - low) * (next() >> 8) * (1.0f / 16777216.0f); }
  std::vector<float> floats(size_t count, float low = -1, float high = 1);

 private:
  uint32_t state_;
};

// sum (a - b)^2 / sum b^2
double nmse(const std::vector<double>& actual, const std::vector<double>& expected);

// The tests, each on every level this machine runs and on 1, 2 and 3 threads.
struct Setting {
  std::string level;
  int threads;
  bool reduced;   // fewer and smaller cases, for sanitizers
  bool emulated;  // by a program that limits of the process would hit
};
void test_linear(const Setting& setting);
void test_rows(const Setting& setting);
void test_attention(const Setting& setting);
void test_engine(const Setting& setting);
void test_limits(const Setting& setting, Machine& machine);

}  // namespace millet::test
