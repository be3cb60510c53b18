// attention with every type of KV cache against float64 over what the cache holds: grouped heads, windows, soft cap,
// several sequences, unequal head sizes, lengths around blocks and segments, masked rows; bit for bit between threads,
// levels, segments shared or not, and rows of a call.
#include <cmath>
#include <cstring>
#include <map>
#include <tuple>

#include "cache.h"

namespace millet::test {

namespace {

struct Config {
  const char* name;
  int heads, kv_heads, head_dim, value_dim;
  int rows;                  // of each sequence in the call: its last ones
  std::vector<int> lengths;  // of the sequences
  bool causal;
  int window;
  float soft_cap;
};

const Config kConfigs[] = {
    {"one row", 1, 1, 4, 4, 1, {1}, true, 0, 0},
    {"grouped", 6, 2, 8, 8, 5, {37}, true, 0, 0},
    {"three to a head", 9, 3, 64, 64, 1, {100}, true, 0, 0},
    {"wide values", 2, 2, 128, 128, 3, {64}, true, 0, 0},
    {"odd sizes", 4, 2, 10, 6, 4, {33}, true, 0, 0},
    {"more odd sizes", 2, 2, 33, 35, 3, {34}, true, 0, 0},
    {"heads of 80 and 20", 6, 2, 80, 20, 3, {65}, true, 30, 0},
    {"one query", 2, 2, 64, 64, 1, {600}, true, 0, 0},
    {"two to a head", 4, 2, 96, 40, 1, {70}, true, 0, 0},
    {"window", 2, 1, 8, 12, 6, {70}, true, 9, 0},
    {"soft cap", 2, 1, 8, 8, 2, {31}, true, 0, 4},
    {"not causal", 2, 2, 8, 8, 7, {7}, false, 0, 0},
    {"two sequences", 4, 2, 16, 16, 3, {40, 5}, true, 0, 0},
    {"segments", 3, 1, 16, 24, 2, {1100, 513}, true, 0, 0},
    {"empty", 2, 1, 8, 8, 0, {32}, true, 0, 0},
};

int up(int value, int to) { return (value + to - 1) / to * to; }

class AttentionCase {
 public:
  AttentionCase(Machine& machine, const Config& c, KvType type)
      : machine_(machine), c_(c), type_(type), random_(c.heads * 31 + c.head_dim) {
    for (const int length : c.lengths) {
      keys_.push_back(random_.floats(size_t(length) * c.kv_heads * c.head_dim));
      values_.push_back(random_.floats(size_t(length) * c.kv_heads * c.value_dim));
    }
    queries_ = random_.floats(size_t(c.rows) * c.lengths.size() * c.heads * c.head_dim, -3, 3);
    for (size_t s = 0; s < c.lengths.size(); s++) {
      for (int r = 0; r < c.rows; r++) rows_.push_back({int(s), c.lengths[s] - c.rows + r});
    }
  }

  int rows() const { return int(rows_.size()); }

  // Output of rows first .. first + count - 1. `share` lets threads share segments.
  std::vector<float> run(int first, int count, bool share) {
    machine_.reset();
    const int columns = up(*std::max_element(c_.lengths.begin(), c_.lengths.end()), 32) / 32;
    std::vector<int32_t> table;
    int blocks = 0;
    for (size_t s = 0; s < c_.lengths.size(); s++) {
      for (int b = 0; b < columns; b++) {
        table.push_back(b * 32 < c_.lengths[s] ? blocks++ : -1);
      }
    }
    const auto place = [&](const std::vector<int32_t>& values) { return units(machine_.place(values)); };
    const uint32_t state = units(machine_.place_count(int32_t(place(place_blocks(blocks)))));
    for (size_t s = 0; s < c_.lengths.size(); s++) write_rows(int(s), table[s * columns] * 32, state);
    std::vector<int32_t> positions, sequences;
    for (int r = first; r < first + count; r++) {
      sequences.push_back(rows_[r].first);
      positions.push_back(rows_[r].second);
    }
    const int width = c_.heads * c_.value_dim, query_width = c_.heads * c_.head_dim;
    const size_t y_bytes = up(width, 4) * 4, q_bytes = up(query_width, 4) * 4;
    const size_t q = machine_.allocate(q_bytes * count);
    for (int r = 0; r < count; r++) {
      memcpy(machine_.at<float>(q + q_bytes * r), queries_.data() + size_t(first + r) * query_width, query_width * 4);
    }
    const size_t y = machine_.allocate(y_bytes * count);
    const int width_padded = value_columns(type_, c_.value_dim);
    const size_t scratch = (4864 + 16 * up(c_.head_dim, 32) + 32 * width_padded + 63) / 64 * 64;
    const int threads = machine_.engine().threads();
    const int segments = (*std::max_element(c_.lengths.begin(), c_.lengths.end()) + 511) / 512;
    const size_t partials = machine_.allocate(size_t(count) * c_.heads * segments * (width_padded + 4) * 4);
    const size_t counters = machine_.allocate(size_t(c_.heads) * (count + 1) * 4);
    machine_.run({{Opcode::Attention,
                   {units(q),
                    units(q_bytes),
                    units(y),
                    units(y_bytes),
                    units(machine_.place_count(count)),
                    place(positions),
                    place(sequences),
                    place(table),
                    uint32_t(columns),
                    place({c_.lengths.begin(), c_.lengths.end()}),
                    state,
                    0,
                    uint32_t(c_.heads),
                    uint32_t(c_.kv_heads),
                    uint32_t(c_.head_dim),
                    uint32_t(c_.value_dim),
                    bits(kScale),
                    c_.causal,
                    uint32_t(c_.window),
                    bits(c_.soft_cap),
                    0,
                    0,
                    0,
                    units(machine_.allocate(scratch * threads)),
                    units(scratch),
                    share ? units(partials) : 0,
                    uint32_t(segments),
                    units(counters),
                    uint32_t(type_)}}});
    std::vector<float> result;
    for (int r = 0; r < count; r++) {
      const float* row = machine_.at<float>(y + y_bytes * r);
      result.insert(result.end(), row, row + width);
    }
    return result;
  }

  std::vector<double> expected() const {
    std::vector<double> result;
    for (int r = 0; r < rows(); r++) {
      for (int h = 0; h < c_.heads; h++) attend(r, h, result);
    }
    return result;
  }

 private:
  static constexpr float kScale = 0.37f;

  // Blocks whose keys are NaN where no row is written: they must not reach a result.
  std::vector<int32_t> place_blocks(int blocks) {
    const std::vector<int32_t> entries =
        place_cache(machine_, blocks, c_.kv_heads, head_bytes(type_, c_.head_dim, c_.value_dim));
    for (int i = 0; i < blocks * c_.kv_heads; i++) {
      const int64_t head = (i % c_.kv_heads) * head_stride(type_, c_.head_dim, c_.value_dim);
      uint8_t* keys = machine_.at<uint8_t>(size_t(entries[i / c_.kv_heads * 2]) * 16 + head);
      const int64_t bytes = key_bytes(type_, c_.head_dim);
      if (type_ == KvType::F32) std::fill_n(reinterpret_cast<float*>(keys), bytes / 4, NAN);
      else std::fill_n(reinterpret_cast<uint16_t*>(keys), bytes / 2, uint16_t(0x7e00));  // scales and codes too
    }
    return entries;
  }

  // Writes a sequence's rows, which start at cache row `first`, and takes what the cache holds for the expected
  // results.
  void write_rows(int s, int first, uint32_t state) {
    const int rows = c_.lengths[s];
    const size_t key_count = keys_[s].size(), value_count = values_[s].size();
    const size_t buffer = machine_.allocate((rows + key_count + value_count) * 4);
    for (int r = 0; r < rows; r++) machine_.at<int32_t>(buffer)[r] = r;
    float* data = machine_.at<float>(buffer) + rows;
    std::copy(keys_[s].begin(), keys_[s].end(), data);
    std::copy(values_[s].begin(), values_[s].end(), data + key_count);
    const auto move = [&](Opcode opcode) {
      return Step{opcode,
                  {state, uint32_t(first), 0, uint32_t(rows), 1, uint32_t(c_.kv_heads), uint32_t(c_.head_dim),
                   uint32_t(c_.value_dim), units(buffer), uint32_t(type_)}};
    };
    machine_.run({move(Opcode::KvStore), move(Opcode::KvRead)});
    std::copy_n(data, key_count, keys_[s].begin());
    std::copy_n(data + key_count, value_count, values_[s].begin());
  }

  void attend(int r, int h, std::vector<double>& result) const {
    const auto [s, position] = rows_[r];
    const int kv_head = h / (c_.heads / c_.kv_heads);
    std::vector<double> weights(c_.lengths[s], 0);
    double total = 0;
    for (int j = 0; j < c_.lengths[s]; j++) {
      if ((c_.causal && j > position) || (c_.window != 0 && position - j >= c_.window)) continue;
      double score = 0;
      for (int d = 0; d < c_.head_dim; d++) {
        score += double(queries_[(size_t(r) * c_.heads + h) * c_.head_dim + d]) *
                 keys_[s][(size_t(j) * c_.kv_heads + kv_head) * c_.head_dim + d];
      }
      score *= kScale;
      if (c_.soft_cap != 0) score = c_.soft_cap * std::tanh(score / c_.soft_cap);
      total += weights[j] = std::exp(score);
    }
    for (int d = 0; d < c_.value_dim; d++) {
      double sum = 0;
      for (int j = 0; j < c_.lengths[s]; j++) {
        sum += weights[j] / total * values_[s][(size_t(j) * c_.kv_heads + kv_head) * c_.value_dim + d];
      }
      result.push_back(sum);
    }
  }

  Machine& machine_;
  const Config& c_;
  KvType type_;
  Random random_;
  std::vector<std::vector<float>> keys_, values_;
  std::vector<float> queries_;
  std::vector<std::pair<int, int>> rows_;  // sequence, position
};

// i16 of queries and probabilities cost q8_0 some of the last bits.
double tolerance_of(KvType type) { return type == KvType::Q8_0 ? 1e-8 : 1e-9; }

std::map<std::pair<int, KvType>, std::vector<float>> first_results;

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || memcmp(a.data(), b.data(), a.size() * 4) == 0);
}

}  // namespace

static void test_config(Machine& machine, const Setting& setting, int i, KvType type) {
  begin_case("attention " + std::string(kConfigs[i].name) + " cache type " + std::to_string(int(type)) + " " +
             setting.level + " threads " + std::to_string(setting.threads));
  AttentionCase attention(machine, kConfigs[i], type);
  const std::vector<float> y = attention.run(0, attention.rows(), false);
  const double error = nmse({y.begin(), y.end()}, attention.expected());
  check(error <= tolerance_of(type), "normalised mean squared error " + std::to_string(error * 1e9) + "e-9");
  const auto [first, inserted] = first_results.try_emplace({i, type}, y);
  if (inserted) digest_results(y);
  check(same_bits(first->second, y), "bits differ between levels or threads");
  check(same_bits(attention.run(0, attention.rows(), true), y), "bits depend on sharing segments");
  for (int row = 0; row < attention.rows(); row++) {
    const std::vector<float> one = attention.run(row, 1, row % 2 == 0);
    const auto start = y.begin() + long(one.size()) * row;
    check(same_bits({start, start + long(one.size())}, one), "bits depend on the rows of the call");
  }
}

void test_attention(const Setting& setting) {
  Machine machine(setting.level, setting.threads);
  for (int i = 0; i < int(std::size(kConfigs)); i++) {
    for (const KvType type : {KvType::F32, KvType::F16, KvType::Q8_0}) test_config(machine, setting, i, type);
  }
}

}  // namespace millet::test
