// Kernels that work row by row, against float64: norms, elementwise ops, rope, gather_rows, replicated quantize, and
// the KV cache's positions, writes, copies and reads.
#include <cmath>
#include <cstring>
#include <functional>

#include "cache.h"

namespace millet::test {

namespace {

size_t row_bytes(int width) { return size_t(width + 7) / 8 * 32; }

// Rows of f32, each on its own multiple of 32 bytes; what lies between rows is NaN, so that no kernel may read it into
// a result.
size_t place_rows(Machine& machine, const std::vector<float>& values, int rows, int width) {
  const size_t at = machine.place(std::vector<float>(rows * row_bytes(width) / 4, NAN));
  for (int r = 0; r < rows; r++) {
    std::copy_n(values.begin() + size_t(r) * width, width, machine.at<float>(at + r * row_bytes(width)));
  }
  return at;
}

void compare(Machine& machine, size_t y, int rows, int width, double tolerance, const char* what,
             const std::function<double(int, int)>& expected) {
  for (int r = 0; r < rows; r++) {
    for (int i = 0; i < width; i++) {
      const double value = expected(r, i);
      const double actual = machine.at<float>(y + r * row_bytes(width))[i];
      if (!(std::fabs(actual - value) <= tolerance * (1 + std::fabs(value)))) {
        return fail(std::string(what) + " row " + std::to_string(r) + " element " + std::to_string(i) + ": " +
                    std::to_string(actual) + " instead of " + std::to_string(value));
      }
    }
  }
}

double silu(double x) { return x / (1 + std::exp(-x)); }

// Row 2i is row i of x, row 2i + 1 what int8 codes with a scale of 32 leave of it.
void test_refine(Machine& machine, int rows, int width, Random& random, int threads) {
  machine.reset();
  std::vector<float> x = random.floats(size_t(rows) * width, -3, 5);
  for (int i = 0; i < 32 && rows > 0; i++) x[i] = 0;  // a block without a scale
  const uint32_t stride = units(row_bytes(width));
  const uint32_t at_x = units(place_rows(machine, x, rows, width));
  const uint32_t count = units(machine.place_count(rows));
  for (const Sharing sharing : {Sharing::Rows, Sharing::Replicated}) {
    const int copies = sharing == Sharing::Replicated ? threads : 1;
    const size_t bytes = 2 * rows * row_bytes(width);
    const size_t y = machine.allocate(bytes * copies);
    machine.run({{Opcode::Refine,
                  {at_x, stride, 0, uint32_t(width), count, units(y), stride, uint32_t(sharing),
                   copies > 1 ? units(bytes) : 0}}});
    for (int copy = 0; copy < copies; copy++) {
      compare(machine, y + bytes * copy, 2 * rows, width, 1e-6, "refine", [&](int r, int i) {
        const float* block = x.data() + size_t(r / 2) * width + i / 32 * 32;
        if (r % 2 == 0) return double(block[i % 32]);
        float largest = 0;
        for (int k = 0; k < 32; k++) largest = std::max(largest, std::fabs(block[k]));
        const float inverse = largest == 0 ? 0 : 127 / largest;
        return double(block[i % 32]) - std::nearbyint(block[i % 32] * inverse) * double(largest / 127);
      });
    }
  }
}

double gelu(double x) { return x / 2 * std::erfc(-x / std::sqrt(2.0)); }
double gelu_tanh(double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }

void test_elementwise(Machine& machine, int rows, int width, Random& random) {
  machine.reset();
  std::vector<float> a = random.floats(size_t(rows) * width, -9, 9);
  if (!a.empty()) a[0] = -200;  // exp overflows there unless it is bounded
  const std::vector<float> b = random.floats(size_t(rows) * width, -9, 9);
  const uint32_t stride = units(row_bytes(width));
  const uint32_t at_a = units(place_rows(machine, a, rows, width));
  const uint32_t at_b = units(place_rows(machine, b, rows, width));
  const uint32_t count = units(machine.place_count(rows));
  const auto apply = [&](Opcode opcode, const char* name, const std::function<double(double, double)>& f) {
    const size_t y = machine.allocate(rows * row_bytes(width));
    machine.run({{opcode, {at_a, stride, at_b, stride, units(y), stride, uint32_t(width), count, bits(1.75f)}}});
    compare(machine, y, rows, width, 3e-7, name,
            [&](int r, int i) { return f(a[size_t(r) * width + i], b[size_t(r) * width + i]); });
  };
  apply(Opcode::Add, "add", [](double x, double z) { return x + z; });
  apply(Opcode::Mul, "mul", [](double x, double z) { return x * z; });
  apply(Opcode::Silu, "silu", [](double x, double) { return silu(x); });
  apply(Opcode::SwiGlu, "swiglu", [](double x, double z) { return silu(x) * z; });
  apply(Opcode::Gelu, "gelu", [](double x, double) { return gelu(x); });
  apply(Opcode::GeluTanh, "gelu by tanh", [](double x, double) { return gelu_tanh(x); });
  apply(Opcode::GeGlu, "geglu", [](double x, double z) { return gelu(x) * z; });
  apply(Opcode::GeGluTanh, "geglu by tanh", [](double x, double z) { return gelu_tanh(x) * z; });
  apply(Opcode::SoftCap, "soft_cap", [](double x, double) { return 1.75 * std::tanh(x / 1.75); });
  apply(Opcode::Scale, "scale", [](double x, double) { return 1.75 * x; });
}

// A norm of `groups` groups of `width` columns, of which the weight, and the bias if there is one, may be shared.
struct NormCase {
  Opcode opcode;
  int width;
  int groups;
  bool shared;
  bool bias;
};

// Element i of a normalized row, in float64.
double normalized(const NormCase& norm, const float* x, const std::vector<float>& weight,
                  const std::vector<float>& bias, int i) {
  const float* group = x + i / norm.width * norm.width;
  double mean = 0, squares = 0;
  if (norm.opcode == Opcode::LayerNorm) {
    for (int k = 0; k < norm.width; k++) mean += double(group[k]) / norm.width;
  }
  for (int k = 0; k < norm.width; k++) squares += (group[k] - mean) * (group[k] - mean);
  const int at = norm.shared ? i % norm.width : i;
  return (x[i] - mean) / std::sqrt(squares / norm.width + 1e-5f) * weight[at] + (norm.bias ? bias[at] : 0);
}

void test_norm(Machine& machine, const NormCase& norm, int rows, Random& random, int threads) {
  machine.reset();
  const int columns = norm.width * norm.groups;
  const std::vector<float> x = random.floats(size_t(rows) * columns, -3, 5);
  const std::vector<float> weight = random.floats(norm.shared ? norm.width : columns, 0.5, 1.5);
  const std::vector<float> bias = random.floats(weight.size());
  const uint32_t at_x = units(place_rows(machine, x, rows, columns));
  const uint32_t at_weight = units(machine.place(weight));
  const uint32_t at_bias = norm.bias ? units(machine.place(bias)) : 0;
  const uint32_t count = units(machine.place_count(rows));
  const uint32_t stride = units(row_bytes(columns));
  for (const Sharing sharing : {Sharing::Rows, Sharing::Replicated, Sharing::Features}) {
    const int copies = sharing == Sharing::Replicated ? threads : 1;
    const size_t bytes = rows * row_bytes(columns);
    const size_t y = machine.allocate(bytes * copies);
    const uint32_t apart = copies > 1 ? units(bytes) : 0;
    machine.run({{norm.opcode,
                  {at_x, stride, at_weight, at_bias, norm.shared, bits(1e-5f), uint32_t(norm.width),
                   uint32_t(norm.groups), count, units(y), stride, uint32_t(sharing), apart}}});
    for (int copy = 0; copy < copies; copy++) {
      compare(machine, y + copy * bytes, rows, columns, 1e-6, "norm",
              [&](int r, int i) { return normalized(norm, x.data() + size_t(r) * columns, weight, bias, i); });
    }
  }
}

void test_gather(Machine& machine, Random& random) {
  machine.reset();
  const int width = 21;
  const std::vector<float> x = random.floats(5 * width);
  const std::vector<int32_t> indices = {4, 0, 0, 3};
  const uint32_t at_x = units(place_rows(machine, x, 5, width));
  const size_t y = machine.allocate(indices.size() * row_bytes(width));
  const uint32_t at = units(machine.place(indices));
  const uint32_t count = units(machine.place_count(int32_t(indices.size())));
  const uint32_t stride = units(row_bytes(width));
  machine.run({{Opcode::GatherRows, {at_x, stride, at, units(y), stride, uint32_t(width), count}}});
  compare(machine, y, int(indices.size()), width, 0, "gather_rows",
          [&](int r, int i) { return x[size_t(indices[r]) * width + i]; });
}

// Cosines and sines of `pairs` angles per row.
std::vector<float> rotations(int rows, int pairs, Random& random) {
  std::vector<float> table;
  for (int r = 0; r < rows; r++) {
    const std::vector<float> angles = random.floats(pairs, -3, 3);
    for (const float angle : angles) table.push_back(std::cos(angle));
    for (const float angle : angles) table.push_back(std::sin(angle));
  }
  return table;
}

// Element i of a rotated head.
double rotated(const float* x, const float* table, int pairs, bool interleaved, int i) {
  if (i >= 2 * pairs) return x[i];
  const int pair = interleaved ? i / 2 : i % pairs;
  const bool second = interleaved ? i % 2 == 1 : i >= pairs;
  const double a = x[interleaved ? 2 * pair : pair];
  const double b = x[interleaved ? 2 * pair + 1 : pair + pairs];
  return second ? a * table[pairs + pair] + b * table[pair] : a * table[pair] - b * table[pairs + pair];
}

void test_rope(Machine& machine, Random& random, bool interleaved) {
  machine.reset();
  const int rows = 5, heads = 3, head_dim = 10, pairs = 4, width = heads * head_dim;
  const std::vector<float> x = random.floats(size_t(rows) * width);
  const std::vector<float> table = rotations(rows, pairs, random);
  const size_t y = machine.allocate(rows * row_bytes(width));
  const uint32_t stride = units(row_bytes(width));
  machine.run({{Opcode::Rope,
                {units(place_rows(machine, x, rows, width)), stride, units(y), stride, units(machine.place_count(rows)),
                 heads, head_dim, units(machine.place(table)), pairs, interleaved}}});
  compare(machine, y, rows, width, 3e-7, "rope", [&](int r, int i) {
    const float* head = x.data() + size_t(r) * width + i / head_dim * head_dim;
    return rotated(head, table.data() + size_t(r) * 2 * pairs, pairs, interleaved, i % head_dim);
  });
}

float to_half(float x) {
  uint32_t bits;
  const float magnitude = std::min(std::fabs(x), 65504.0f);
  memcpy(&bits, &magnitude, 4);
  const float step = std::ldexp(1.0f, std::max(int(bits >> 23) - 127, -14) - 10);
  return std::copysign(std::nearbyint(magnitude / step) * step, x);
}

// What core's backend/round-kv.ts says, written again from its words.
std::vector<float> round_head(KvType type, std::vector<float> x) {
  if (type == KvType::F16) {
    for (float& value : x) value = to_half(value);
  } else if (type == KvType::Q8_0) {
    for (size_t start = 0; start < x.size(); start += 32) {
      const size_t end = std::min(start + 32, x.size());
      float largest = 0;
      for (size_t i = start; i < end; i++) largest = std::max(largest, std::fabs(x[i]));
      const float scale = to_half(std::max(largest / 127, std::ldexp(1.0f, -14)));
      for (size_t i = start; i < end; i++) {
        x[i] = scale * std::max(-127.0f, std::min(127.0f, std::nearbyint(x[i] * (1 / scale))));
      }
    }
  }
  return x;
}

// Rows written by kv_write are read back by kv_read, also after kv_copy; kv_store restores what kv_read gave.
void test_kv(Machine& machine, Random& random, KvType type, int head_dim, int value_dim) {
  machine.reset();
  const int rows = 7, layers = 2, kv_heads = 3, pairs = 4, blocks = 3;
  const int64_t head = head_bytes(type, head_dim, value_dim);
  const std::vector<int32_t> table = place_cache(machine, blocks, layers * kv_heads, head);
  const uint32_t state = units(machine.place_count(int32_t(units(machine.place(table)))));
  const std::vector<int32_t> write_rows = {30, 31, 32, 33, 70, 0, 64};
  const std::vector<int32_t> positions = {5, 6, 7, 8, 9, 10, 11};
  const std::vector<float> angles = rotations(rows, pairs, random);
  const std::vector<float> k = random.floats(size_t(rows) * kv_heads * head_dim);
  const std::vector<float> v = random.floats(size_t(rows) * kv_heads * value_dim);
  const uint32_t count = units(machine.place_count(rows));
  const uint32_t rows_at = units(machine.place(write_rows));
  const uint32_t rotation = units(machine.place(angles));
  const uint32_t k_at = units(place_rows(machine, k, rows, kv_heads * head_dim));
  const uint32_t v_at = units(place_rows(machine, v, rows, kv_heads * value_dim));
  const uint32_t counters = units(machine.place(std::vector<int32_t>(4, 9)));
  const size_t scratch_bytes = size_t(head_dim + 15) / 16 * 64;
  const uint32_t scratch = units(machine.allocate(scratch_bytes * machine.engine().threads()));
  std::vector<Step> steps = {{Opcode::KvPositions, {units(machine.place(positions)), rows_at, count, state}}};
  for (int layer = 0; layer < layers; layer++) {
    const uint32_t offset = units(layer * kv_heads * head_stride(type, head_dim, value_dim));
    steps.push_back({Opcode::KvWrite,
                     {k_at, units(row_bytes(kv_heads * head_dim)), v_at, units(row_bytes(kv_heads * value_dim)), count,
                      rows_at, state, offset, kv_heads, uint32_t(head_dim), uint32_t(value_dim), rotation, pairs, 1,
                      counters, 4, uint32_t(type), scratch, units(scratch_bytes)}});
  }
  const int snapshot = 96;  // all rows of all blocks
  const size_t floats = size_t(layers) * snapshot * kv_heads * (head_dim + value_dim);
  const size_t buffer = machine.allocate((snapshot + floats) * 4);
  const auto move = [&](Opcode opcode, uint32_t from, uint32_t to, uint32_t moved) {
    return Step{opcode,
                {state, from, to, moved, layers, kv_heads, uint32_t(head_dim), uint32_t(value_dim), units(buffer),
                 uint32_t(type)}};
  };
  steps.push_back(move(Opcode::KvCopy, 30, 33, 4));  // overlapping, forwards
  steps.push_back(move(Opcode::KvRead, 0, 0, snapshot));
  machine.run(steps);
  const std::vector<float> first(machine.at<float>(buffer), machine.at<float>(buffer) + snapshot + floats);
  // Row 33 + i now holds what row 30 + i held; rows 70, 0, 64 and 30..32 are as written.
  const int source_of[] = {0, 1, 2, 0, 1, 2, 3, 4, 5, 6};
  const int held_by[] = {30, 31, 32, 33, 34, 35, 36, 70, 0, 64};
  const double tolerance = type == KvType::F32 ? 1e-6 : type == KvType::F16 ? 1e-3 : 2e-2;
  for (int i = 0; i < 10; i++) {
    const int source = source_of[i], row = held_by[i];
    check(machine.at<int32_t>(buffer)[row] == positions[source], "kv: wrong position in row " + std::to_string(row));
    for (int layer = 0; layer < layers; layer++) {
      for (int h = 0; h < kv_heads; h++) {
        const size_t place = (size_t(layer) * snapshot + row) * kv_heads + h;
        std::vector<float> key, value;
        for (int d = 0; d < head_dim; d++) {
          key.push_back(float(rotated(k.data() + (size_t(source) * kv_heads + h) * head_dim,
                                      angles.data() + size_t(source) * 2 * pairs, pairs, true, d)));
        }
        for (int d = 0; d < value_dim; d++) value.push_back(v[(size_t(source) * kv_heads + h) * value_dim + d]);
        key = round_head(type, key);
        value = round_head(type, value);
        for (int d = 0; d < head_dim; d++) {  // the last bit of a rotation may lead to the next step of the type
          check(std::fabs(first[snapshot + place * head_dim + d] - key[d]) < tolerance, "kv: wrong key");
        }
        const size_t values = snapshot + size_t(layers) * snapshot * kv_heads * head_dim;
        for (int d = 0; d < value_dim; d++) check(first[values + place * value_dim + d] == value[d], "kv: wrong value");
      }
    }
  }
  for (int i = 0; i < 4; i++) check(machine.at<int32_t>(size_t(counters) * 16)[i] == 0, "kv_write leaves counters");
  memset(machine.at<uint8_t>(size_t(table[1]) * 16), 0xee, group_bytes(layers * kv_heads, head));
  machine.run({move(Opcode::KvStore, 0, 0, snapshot)});
  memset(machine.at<uint8_t>(buffer), 0, (snapshot + floats) * 4);
  machine.run({move(Opcode::KvRead, 0, 0, snapshot)});
  check(memcmp(machine.at<float>(buffer), first.data(), first.size() * 4) == 0, "kv_store and kv_read differ");
}

}  // namespace

void test_rows(const Setting& setting) {
  Machine machine(setting.level, setting.threads);
  Random random(setting.threads);
  const auto named = [&](const char* name) {
    begin_case(std::string(name) + " " + setting.level + " threads " + std::to_string(setting.threads));
  };
  for (const auto& [rows, width] : {std::pair{1, 1}, {2, 7}, {3, 8}, {0, 16}, {5, 33}, {7, 576}}) {
    named("elementwise");
    test_elementwise(machine, rows, width, random);
    if (width % 32 == 0) test_refine(machine, rows, width, random, setting.threads);
    named("rms_norm");
    test_norm(machine, {Opcode::RmsNorm, width, 1, false, false}, rows, random, setting.threads);
    named("layer_norm");
    test_norm(machine, {Opcode::LayerNorm, width, 1, false, rows % 2 == 1}, rows, random, setting.threads);
  }
  named("norm of groups");
  for (const NormCase& norm : std::vector<NormCase>{{Opcode::RmsNorm, 64, 6, true, false},
                                                    {Opcode::RmsNorm, 11, 3, false, false},
                                                    {Opcode::LayerNorm, 7, 5, true, true},
                                                    {Opcode::LayerNorm, 20, 4, false, true}}) {
    for (const int rows : {1, 6}) test_norm(machine, norm, rows, random, setting.threads);
  }
  named("gather_rows");
  test_gather(machine, random);
  for (const bool interleaved : {false, true}) {
    named("rope");
    test_rope(machine, random, interleaved);
  }
  named("kv");
  for (const KvType type : {KvType::F32, KvType::F16, KvType::Q8_0}) {
    test_kv(machine, random, type, 10, 6);
    test_kv(machine, random, type, 80, 33);
  }
}

}  // namespace millet::test
