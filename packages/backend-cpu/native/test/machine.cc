// Machine, and what tests share.
#include "machine.h"

#include <cmath>
#include <cstdio>
#include <cstring>

namespace millet::test {

namespace {

constexpr size_t kFirst = 65536;
constexpr size_t kGuard = 64;
constexpr uint8_t kGuardByte = 0xa5;
constexpr size_t kReserved = size_t{1} << 31;

std::string current_case;

}  // namespace

int failures = 0;
uint64_t digest = 0xcbf29ce484222325;

void digest_results(const std::vector<float>& results) {
  for (const float value : results) digest = (digest ^ bits(value)) * 0x100000001b3;
}

void begin_case(const std::string& name) { current_case = name; }

void fail(const std::string& what) {
  failures++;
  if (failures <= 20) fprintf(stderr, "FAILED %s: %s\n", current_case.c_str(), what.c_str());
}

uint32_t bits(float value) {
  uint32_t word;
  memcpy(&word, &value, 4);
  return word;
}

Machine::Machine(const std::string& level, int threads)
    : next_(kFirst), engine_(*find_level(level), threads, kReserved) {}

void Machine::reset() {
  next_ = kFirst;
  guards_.clear();
}

size_t Machine::allocate(size_t bytes) {
  const size_t address = next_ + kGuard;
  next_ = address + (bytes + kGuard - 1) / kGuard * kGuard + kGuard;
  check(engine_.arena()->grow(next_), "out of memory");
  memset(at<uint8_t>(address), 0, bytes);
  for (const size_t guard : {address - kGuard, next_ - kGuard}) {
    memset(at<uint8_t>(guard), kGuardByte, kGuard);
    guards_.push_back(guard);
  }
  return address;
}

void Machine::check_guards() {
  for (const size_t guard : guards_) {
    for (size_t i = 0; i < kGuard; i++) {
      if (*at<uint8_t>(guard + i) != kGuardByte) return fail("a guard byte was overwritten");
    }
  }
}

void Machine::start(const std::vector<Step>& steps) {
  std::vector<uint32_t> words;
  for (const Step& step : steps) {
    words.push_back(static_cast<uint32_t>(step.opcode) | static_cast<uint32_t>(StepFlag::Barrier) << 16);
    words.push_back(static_cast<uint32_t>(step.operands.size() + 2));
    words.insert(words.end(), step.operands.begin(), step.operands.end());
  }
  words.push_back(static_cast<uint32_t>(Opcode::End));
  words.push_back(2);
  const size_t program = place(words);
  check(valid_program(*engine_.arena(), engine_.level(), program), "the program is not valid");
  started_++;
  engine_.start(program, [this](Outcome outcome) {
    outcome_ = outcome;
    finished_.store(finished_.load() + 1);
  });
}

Outcome Machine::wait() {
  finished_.wait_while(started_ - 1, 0);
  return outcome_;
}

Outcome Machine::run(const std::vector<Step>& steps) {
  start(steps);
  const Outcome outcome = wait();
  check_guards();
  return outcome;
}

std::vector<float> Random::floats(size_t count, float low, float high) {
  std::vector<float> values(count);
  for (float& value : values) value = uniform(low, high);
  return values;
}

double nmse(const std::vector<double>& actual, const std::vector<double>& expected) {
  double error = 0;
  double power = 0;
  for (size_t i = 0; i < expected.size(); i++) {
    error += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    power += expected[i] * expected[i];
  }
  return power == 0 ? error : error / power;
}

}  // namespace millet::test
