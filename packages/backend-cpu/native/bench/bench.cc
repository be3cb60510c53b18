// Rates of the linear kernels: matrix-vector products that stream weights from memory, beside the machine's read
// bandwidth measured in the same run, and matrix-matrix products. Rounds alternate over everything, since the machine
// may be shared: compare figures of one run. Arguments: [--level NAME] [--threads N] [--rounds N] [--mib N] [--type
// NAME]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "../engine/packed.h"
#include "../test/machine.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace millet::bench {

using test::Machine;
using test::Step;
using test::units;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Shape {
  uint32_t features;
  uint32_t width;
};

struct Type {
  const char* name;
  PackedType type;
  Opcode linear;
};

constexpr Type kTypes[] = {
    {"q4_0", PackedType::Q4_0, Opcode::LinearQ4_0}, {"q4_1", PackedType::Q4_1, Opcode::LinearQ4_1},
    {"q8_0", PackedType::Q8_0, Opcode::LinearQ8_0}, {"f16", PackedType::F16, Opcode::LinearF16},
    {"bf16", PackedType::BF16, Opcode::LinearBF16}, {"f32", PackedType::F32, Opcode::LinearF32},
    {"q4_k", PackedType::Q4_K, Opcode::LinearQ4_K},
    {"q5_k", PackedType::Q5_K, Opcode::LinearQ5_K},
    {"q6_k", PackedType::Q6_K, Opcode::LinearQ6_K},
    {"q5_0", PackedType::Q5_0, Opcode::LinearQ5_0},
    {"q5_1", PackedType::Q5_1, Opcode::LinearQ5_1},
    {"iq4_nl", PackedType::IQ4_NL, Opcode::LinearIQ4_NL},
    {"iq4_xs", PackedType::IQ4_XS, Opcode::LinearIQ4_XS},
    {"q3_k", PackedType::Q3_K, Opcode::LinearQ3_K},
    {"q2_k", PackedType::Q2_K, Opcode::LinearQ2_K},
};

// Reads bytes with the widest plain loads of the base level, as fast as one thread can.
#if defined(__x86_64__)
__attribute__((target("avx2"))) uint64_t read_all(const uint8_t* p, size_t bytes) {
  __m256i sums[4] = {};
  for (size_t i = 0; i < bytes; i += 128) {
    for (int k = 0; k < 4; k++) {
      sums[k] = _mm256_xor_si256(sums[k], _mm256_load_si256(reinterpret_cast<const __m256i*>(p + i + 32 * k)));
    }
  }
  const __m256i all = _mm256_xor_si256(_mm256_xor_si256(sums[0], sums[1]), _mm256_xor_si256(sums[2], sums[3]));
  return static_cast<uint64_t>(_mm256_extract_epi64(all, 0) ^ _mm256_extract_epi64(all, 3));
}
#else
uint64_t read_all(const uint8_t* p, size_t bytes) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i < bytes; i += 64) {
    for (int k = 0; k < 8; k++) sums[k] ^= reinterpret_cast<const uint64_t*>(p + i)[k];
  }
  return sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
}
#endif

// One line of the report, measured once per round.
struct Measurement {
  std::string name;
  double bytes;
  double macs;
  std::function<double()> run;  // seconds
  std::vector<double> times = {};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

volatile uint64_t sink;

// Reads the weights region by all threads at once.
Measurement bandwidth(Machine& machine, size_t start, size_t bytes, int threads) {
  return {"read", double(bytes), 0, [&machine, start, bytes, threads] {
            Pool pool(threads);
            std::atomic<uint32_t> done{0};
            const uint8_t* base = machine.at<uint8_t>(start);
            const size_t share = bytes / threads / 128 * 128;
            const double began = seconds();
            pool.start([&](int t) { sink = read_all(base + share * t, share); },
                       [&] {
                         done.store(1);
                         done.notify_all();
                       });
            done.wait(0);
            return seconds() - began;
          }};
}

// Products of consecutive matrices over `bytes` of weights by `rows` rows, `repeats` times.
Measurement product(Machine& machine, const Type& type, Shape shape, int rows, size_t weights, size_t bytes) {
  const uint32_t groups = shape.features / 8;
  const size_t matrix = size_t(groups) * packed_group_bytes(type.type, int32_t(shape.width));
  const size_t count = std::max<size_t>(1, bytes / matrix);
  const bool quantized = is_quantized(type.type);
  const int padded = (rows + 3) / 4 * 4;
  const size_t x = machine.allocate(size_t(padded) * shape.width * (quantized ? 48.0 / 32 : 4));
  const size_t y = machine.allocate(size_t(padded) * shape.features * 4);
  const uint32_t active = units(machine.place_count(rows));
  std::vector<Step> steps;
  for (size_t i = 0; i < count; i++) {
    steps.push_back({type.linear,
                     {units(weights + i * matrix), groups, shape.width, units(x), shape.width / 4, 0, active, units(y),
                      shape.features / 4}});
  }
  const double macs = double(shape.features) * shape.width * rows * count;
  char name[80];
  snprintf(name, sizeof name, "%s %ux%u x%d", type.name, shape.features, shape.width, rows);
  return {name, double(matrix) * count, macs, [&machine, steps] {
            const double began = seconds();
            machine.run(steps);
            return seconds() - began;
          }};
}

void report(const std::vector<Measurement>& all) {
  double best_read = 0;
  for (const Measurement& m : all) {
    if (m.macs == 0) best_read = m.bytes / *std::min_element(m.times.begin(), m.times.end()) / 1e9;
  }
  for (const Measurement& m : all) {
    const double best = *std::min_element(m.times.begin(), m.times.end());
    printf("%-24s best %7.2f GB/s %5.1f%% of read %8.2f GMAC/s | median %7.2f GB/s %8.2f GMAC/s\n", m.name.c_str(),
           m.bytes / best / 1e9, m.bytes / best / 1e7 / best_read, m.macs / best / 1e9, m.bytes / median(m.times) / 1e9,
           m.macs / median(m.times) / 1e9);
  }
}

int run(const std::string& level, int threads, int rounds, size_t mib, const std::string& only) {
  if (find_level(level) == nullptr) return fprintf(stderr, "this processor does not run %s\n", level.c_str()), 1;
  Machine machine(level, threads);
  const size_t bytes = mib << 20;
  const size_t weights = machine.allocate(bytes);
  uint32_t* words = machine.at<uint32_t>(weights);
  // Finite halves everywhere: no byte of 0x7c or above at an odd place.
  test::Random random(1);
  for (size_t i = 0; i < bytes / 4; i++) words[i] = random.next() & 0x3fff3fff;
  std::vector<Measurement> all = {bandwidth(machine, weights, bytes, threads)};
  for (const Type& type : kTypes) {
    if (!only.empty() && only != type.name) continue;
    all.push_back(product(machine, type, {5632, 2048}, 1, weights, bytes));
    all.push_back(product(machine, type, {2048, 5632}, 1, weights, bytes));
    // The width of a 135M model, in whole blocks.
    const uint32_t narrow = 576 / packed_block_inputs(type.type) * packed_block_inputs(type.type);
    all.push_back(product(machine, type, {1536, narrow}, 1, weights, bytes / 4));
    all.push_back(product(machine, type, {5632, 2048}, 128, weights, 1));
    all.push_back(product(machine, type, {2048, 5632}, 128, weights, 1));
    all.push_back(product(machine, type, {2048, 2048}, 4, weights, bytes / 16));
  }
  for (int round = 0; round < rounds; round++) {
    for (Measurement& m : all) m.times.push_back(m.run());
  }
  printf("%s, %d threads, %zu MiB of weights, %d rounds\n", std::string(machine.engine().level().name).c_str(), threads,
         mib, rounds);
  report(all);
  return 0;
}

}  // namespace millet::bench

int main(int count, char** arguments) {
  std::string level = "auto", type;
  int threads = 2, rounds = 9;
  size_t mib = 1024;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = arguments[i];
    const char* value = arguments[i + 1];
    if (name == "--level") level = value;
    else if (name == "--threads") threads = atoi(value);
    else if (name == "--rounds") rounds = atoi(value);
    else if (name == "--mib") mib = size_t(atoi(value));
    else if (name == "--type") type = value;
    else return fprintf(stderr, "unknown argument %s\n", arguments[i]), 2;
  }
  return millet::bench::run(level, threads, rounds, mib, type);
}
