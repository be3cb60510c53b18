// The engine itself: abort within a program, many short calls, the arena's growth, release and limits, bad programs.
#include <chrono>
#include <thread>

#include "machine.h"

namespace millet::test {

namespace {

// A long matrix product: `repeats` steps of [features, width] Q8_0 by one row.
std::vector<Step> long_program(Machine& machine, int repeats) {
  const uint32_t groups = 256;
  const uint32_t width = 1024;
  const size_t weight = machine.allocate(size_t(groups) * (width / 32) * 272);
  const size_t x = machine.allocate(size_t(width) / 32 * 48 * 4);
  const size_t y = machine.allocate(size_t(groups) * 32 * 4);
  const uint32_t count = units(machine.place_count(1));
  const Step step = {Opcode::LinearQ8_0,
                     {units(weight), groups, width, units(x), width / 4, 0, count, units(y), groups * 2}};
  return std::vector<Step>(repeats, step);
}

void test_abort(Machine& machine) {
  machine.reset();
  const std::vector<Step> steps = long_program(machine, 100000);
  machine.start(steps);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto start = std::chrono::steady_clock::now();
  machine.engine().abort();
  check(machine.wait() == Outcome::Aborted, "an aborted call says that it completed");
  const auto elapsed = std::chrono::steady_clock::now() - start;
  check(elapsed < std::chrono::seconds(1), "abort took more than a second");
  machine.reset();
  check(machine.run(long_program(machine, 2)) == Outcome::Completed, "no call runs after an abort");
}

void test_short_calls(Machine& machine, int calls) {
  machine.reset();
  const size_t a = machine.place(std::vector<float>(64, 1));
  const size_t y = machine.place(std::vector<float>(64, 0));
  const uint32_t count = units(machine.place_count(1));
  const Step add = {Opcode::Add, {units(a), 16, units(y), 16, units(y), 16, 64, count}};
  for (int i = 0; i < calls; i++) machine.run({add, add, add});
  const float* sums = machine.at<float>(y);
  for (int i = 0; i < 64; i++) check(sums[i] == 3.0f * calls, "steps of short calls were lost");
}

void test_arena() {
  Arena arena(size_t{64} << 30);
  check(arena.valid(), "64 GiB of addresses could not be reserved");
  check(arena.grow(1), "one byte could not be had");
  arena.base()[0] = 7;
  check(arena.grow(10 << 20), "10 MiB could not be had");
  check(arena.base()[0] == 7 && arena.base()[(10 << 20) - 1] == 0, "growing changed what was there");
  check(!arena.grow((size_t{64} << 30) + (size_t{4} << 20)), "more than was reserved was given");
  arena.release(0, 4096);
  check(arena.base()[0] == 0, "released memory keeps its bytes");
}

// Byte a of a file at byte a of memory, also where the file's pages come after others.
void test_mapped_file() {
  if (!Arena::kMapsFiles) return;
  constexpr size_t kPage = 65536;
  FILE* file = std::tmpfile();
  if (file == nullptr) return fail("no temporary file could be made");
  const std::vector<uint8_t> bytes(3 * kPage, 9);
  check(fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && fflush(file) == 0, "the file was not written");
  Arena arena(size_t{8} << 20);
  check(arena.grow(4 * kPage), "256 KiB could not be had");
  arena.base()[0] = 7;
  arena.base()[kPage] = 7;
  check(!arena.map(fileno(file), kPage + 1, kPage), "a part of a page was mapped");
  check(!arena.map(fileno(file), kPage, size_t{16} << 20), "more than the memory was mapped");
  check(!arena.map(-1, kPage, kPage) && arena.base()[kPage] == 7, "no file was mapped, or memory was lost over it");
  check(arena.map(fileno(file), kPage, 2 * kPage), "a file could not be mapped");
  fclose(file);
  check(arena.base()[0] == 7 && arena.base()[kPage] == 9 && arena.base()[3 * kPage - 1] == 9, "other bytes are there");
  arena.base()[kPage] = 8;
  check(arena.unmap(kPage, 2 * kPage), "a file could not be unmapped");
  check(arena.base()[0] == 7 && arena.base()[kPage] == 0 && arena.base()[3 * kPage - 1] == 0, "no zeros came back");
}

void test_programs(Machine& machine) {
  machine.reset();
  const Arena& arena = *machine.engine().arena();
  const auto valid = [&](const std::vector<uint32_t>& words) {
    return valid_program(arena, machine.engine().level(), machine.place(words));
  };
  const uint32_t add = static_cast<uint32_t>(Opcode::Add);
  check(valid({0, 2}), "an empty program is refused");
  check(!valid({63, 2, 0, 2}), "an unknown opcode is taken");
  check(!valid({0xffff, 2, 0, 2}), "a large opcode is taken");
  check(!valid({add, 0, 0, 2}), "a step of no length is taken");
  check(!valid({add, 0x3fffffff, 0, 2}), "a step that leaves the memory is taken");
  check(!valid_program(arena, machine.engine().level(), 8), "an unaligned program is taken");
  check(!valid_program(arena, machine.engine().level(), arena.committed()), "a program past the end is taken");
}

// One thread completes a program made for three while the others do not get to run.
void test_absent_threads(Machine& machine) {
  machine.reset();
  const int width = 64;
  const size_t a = machine.place(std::vector<float>(width, 1));
  const size_t y = machine.place(std::vector<float>(width, 0));
  const uint32_t count = units(machine.place_count(1));
  std::vector<uint32_t> words;
  for (uint32_t barrier : {0u, 1u, 1u, 0u, 1u}) {
    const uint32_t head = static_cast<uint32_t>(Opcode::Add) | barrier << 16;
    words.insert(words.end(), {head, 10, units(a), 16, units(y), 16, units(y), 16, width, count});
  }
  words.insert(words.end(), {0, 2});
  const size_t program = machine.place(words);
  Shares shares(3);
  std::atomic<uint32_t> abort{0};
  const Run run = {machine.at<uint8_t>(0), 1, 3, &abort};
  check(walk(run, machine.engine().level(), shares, program) == Outcome::Completed, "a lone thread does not complete");
  const Run late = {machine.at<uint8_t>(0), 0, 3, &abort};
  check(walk(late, machine.engine().level(), shares, program) == Outcome::Completed, "a late thread does not complete");
  for (int i = 0; i < width; i++) check(machine.at<float>(y)[i] == 5, "shares were lost or done twice");
}

}  // namespace

void test_engine(const Setting& setting) {
  begin_case("engine " + setting.level + " threads " + std::to_string(setting.threads));
  Machine machine(setting.level, setting.threads);
  test_abort(machine);
  test_short_calls(machine, setting.reduced ? 50 : 1000);
  test_arena();
  test_mapped_file();
  test_programs(machine);
  test_absent_threads(machine);
  test_limits(setting, machine);
  // An engine that ends while a call runs aborts it.
  Machine ending(setting.level, setting.threads);
  ending.start(long_program(ending, 100000));
}

}  // namespace millet::test
