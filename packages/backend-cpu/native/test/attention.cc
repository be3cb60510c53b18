// attention against float64: grouped heads, windows, soft cap, several sequences, unequal head sizes, lengths around blocks
// and segments, masked rows; bit for bit between threads, levels, segments shared or not, and rows of a call.
#include <cmath>
#include <cstring>
#include <map>
#include <tuple>

#include "machine.h"

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
  AttentionCase(Machine& machine, const Config& c) : machine_(machine), c_(c), random_(c.heads * 31 + c.head_dim) {
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
    const int head_floats = 32 * (c_.head_dim + up(c_.value_dim, 4));
    const int columns = up(*std::max_element(c_.lengths.begin(), c_.lengths.end()), 32) / 32;
    std::vector<int32_t> table, addresses;
    for (size_t s = 0; s < c_.lengths.size(); s++) {
      for (int b = 0; b < columns; b++) {
        table.push_back(b * 32 < c_.lengths[s] ? int32_t(addresses.size()) : -1);
        if (b * 32 < c_.lengths[s]) addresses.push_back(place_block(int(s), b, head_floats));
      }
    }
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
    const size_t scratch = (512 + 512 + 96 + 16 * up(c_.head_dim, 4) + 32 * up(c_.value_dim, 4) + 63) / 64 * 64;
    const int threads = machine_.engine().threads();
    const int segments = (*std::max_element(c_.lengths.begin(), c_.lengths.end()) + 511) / 512;
    const size_t partials = machine_.allocate(size_t(count) * c_.heads * segments * (up(c_.value_dim, 4) + 4) * 4);
    const size_t counters = machine_.allocate(size_t(c_.heads) * (count + 1) * 4);
    const auto place = [&](const std::vector<int32_t>& values) { return units(machine_.place(values)); };
    machine_.run({{Opcode::Attention,
                   {units(q), units(q_bytes), units(y), units(y_bytes), units(machine_.place_count(count)),
                    place(positions), place(sequences), place(table), uint32_t(columns),
                    place({c_.lengths.begin(), c_.lengths.end()}),
                    units(machine_.place_count(int32_t(place(addresses)))), units(128), uint32_t(c_.heads),
                    uint32_t(c_.kv_heads), uint32_t(c_.head_dim), uint32_t(c_.value_dim), bits(kScale), c_.causal,
                    uint32_t(c_.window), bits(c_.soft_cap), 0, 0, 0, units(machine_.allocate(scratch * threads)),
                    units(scratch), share ? units(partials) : 0, uint32_t(segments), units(counters)}}});
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

  // A block of a sequence; slots past its length hold NaN, which must not reach a result.
  int32_t place_block(int s, int b, int head_floats) {
    const size_t at = machine_.place(std::vector<float>(32 + size_t(c_.kv_heads) * head_floats, 0));
    for (int slot = 0; slot < 32; slot++) {
      const int row = b * 32 + slot;
      const bool used = row < c_.lengths[s];
      machine_.at<int32_t>(at)[slot] = used ? row : 0;
      for (int h = 0; h < c_.kv_heads; h++) {
        float* head = machine_.at<float>(at) + 32 + size_t(h) * head_floats;
        for (int d = 0; d < c_.head_dim; d++) {
          head[d * 32 + slot] = used ? keys_[s][(size_t(row) * c_.kv_heads + h) * c_.head_dim + d] : NAN;
        }
        float* value = head + 32 * c_.head_dim + size_t(slot) * up(c_.value_dim, 4);
        for (int d = 0; used && d < c_.value_dim; d++) {
          value[d] = values_[s][(size_t(row) * c_.kv_heads + h) * c_.value_dim + d];
        }
      }
    }
    return int32_t(units(at));
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
  Random random_;
  std::vector<std::vector<float>> keys_, values_;
  std::vector<float> queries_;
  std::vector<std::pair<int, int>> rows_;  // sequence, position
};

std::map<int, std::vector<float>> first_results;

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || memcmp(a.data(), b.data(), a.size() * 4) == 0);
}

}  // namespace

void test_attention(const Setting& setting) {
  Machine machine(setting.level, setting.threads);
  for (int i = 0; i < int(std::size(kConfigs)); i++) {
    begin_case("attention " + std::string(kConfigs[i].name) + " " + setting.level + " threads " +
               std::to_string(setting.threads));
    AttentionCase attention(machine, kConfigs[i]);
    const std::vector<float> y = attention.run(0, attention.rows(), false);
    const double error = nmse({y.begin(), y.end()}, attention.expected());
    check(error <= 1e-9, "normalised mean squared error " + std::to_string(error));
    const auto [first, inserted] = first_results.try_emplace(i, y);
    if (inserted) digest_results(y);
    check(same_bits(first->second, y), "bits differ between levels or threads");
    check(same_bits(attention.run(0, attention.rows(), true), y), "bits depend on sharing segments");
    for (int row = 0; row < attention.rows(); row++) {
      const std::vector<float> one = attention.run(row, 1, row % 2 == 0);
      const auto start = y.begin() + long(one.size()) * row;
      check(same_bits({start, start + long(one.size())}, one), "bits depend on the rows of the call");
    }
  }
}

}  // namespace millet::test
