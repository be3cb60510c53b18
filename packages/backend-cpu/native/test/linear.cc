// pack, quantize, linear and embedding on every type: against float64 on dequantized weights and quantized activations,
// and bit for bit between levels, threads and numbers of rows.
#include <map>
#include <span>
#include <tuple>

#include "weights.h"

namespace millet::test {

namespace {

struct Shape {
  int features;
  int width;
  int rows;
};

// One feature and one row, sizes off by one from groups, tiles and pairs of groups, a prompt's worth of rows, no row.
constexpr Shape kShapes[] = {{1, 32, 1},   {8, 32, 1},    {9, 64, 2},    {15, 96, 3},  {16, 64, 4},   {17, 32, 5},
                             {24, 160, 6}, {40, 96, 7},   {33, 64, 8},   {72, 128, 9}, {31, 256, 11}, {56, 64, 12},
                             {64, 96, 13}, {25, 576, 19}, {48, 320, 33}, {8, 64, 0},   {23, 1536, 1}};

// Widths of blocks of 256.
constexpr Shape kWideShapes[] = {{1, 256, 1},   {9, 512, 2},    {15, 256, 3}, {16, 768, 4},
                                 {17, 256, 5},  {24, 512, 6},   {40, 256, 7}, {33, 256, 8},
                                 {31, 256, 11}, {25, 1024, 19}, {8, 256, 0},  {23, 1536, 1}};

std::span<const Shape> shapes_of(const TypeInfo& info) {
  return info.block == 256 ? std::span<const Shape>(kWideShapes) : std::span<const Shape>(kShapes);
}

// Rows of activations that a shape multiplies; its buffers hold a multiple of four.
int padded(int rows) { return (rows + 3) / 4 * 4; }
int groups_of(int features) { return (features + 7) / 8; }

class LinearCase {
 public:
  LinearCase(Machine& machine, const TypeInfo& info, Shape shape)
      : machine_(machine), info_(info), shape_(shape), random_(shape.features * 131 + shape.width * 7 + info.bytes) {
    raw_ = random_raw(info, size_t(shape.features) * shape.width, random_);
    x_ = random_.floats(size_t(padded(shape.rows)) * shape.width, -3, 3);
  }

  // Runs `rows` rows from `first` on; returns y[rows][features], or with `pairs` y[rows / 2][features].
  std::vector<float> run(int first, int rows, bool pairs = false) {
    machine_.reset();
    const int groups = groups_of(shape_.features);
    const int width = shape_.width;
    raw_at_ = machine_.place(raw_);
    packed_ = machine_.allocate(size_t(groups) * (width / info_.block) * info_.packed_bytes);
    std::vector<float> x(x_.begin() + size_t(first) * width, x_.begin() + size_t(first + rows) * width);
    x.resize(size_t(padded(rows)) * width, NAN);  // what no row counts must not matter
    const size_t x_at = machine_.place(x);
    quantized_ = machine_.allocate(size_t(padded(rows)) * width / 32 * 48 + 16);
    const size_t y = machine_.allocate(size_t(padded(rows)) * groups * 32);
    const uint32_t count = units(machine_.place_count(rows));
    const uint32_t w = width;
    std::vector<Step> steps = {
        {info_.pack, {units(raw_at_), uint32_t(shape_.features), w, units(packed_)}},
    };
    if (info_.quantized()) {
      steps.push_back({Opcode::Quantize, {units(x_at), w / 4, 0, w, count, units(quantized_), 0, 0}});
    }
    const uint32_t input = units(info_.quantized() ? quantized_ : x_at);
    std::vector<uint32_t> operands = {units(packed_), uint32_t(groups),    w, input, w / 4, 0, count,
                                      units(y),       uint32_t(groups) * 2};
    Opcode opcode = info_.linear;
    if (pairs) {
      const size_t scratch_bytes = LinearScratch::WeightBytes + LinearScratch::TileBytes +
                                   (rows + 7) / 8 * 8 * (LinearScratch::RowBytes + LinearScratch::PairBytes);
      operands.push_back(units(machine_.allocate(scratch_bytes * machine_.engine().threads())));
      operands.push_back(units(scratch_bytes));
      opcode = static_cast<Opcode>(uint32_t(opcode) | uint32_t(StepFlag::AddPairs) << 16);
    }
    steps.push_back({opcode, operands});
    check(machine_.run(steps) == Outcome::Completed, "the call was aborted");
    std::vector<float> result;
    for (int row = 0; row < (pairs ? rows / 2 : rows); row++) {
      const float* from = machine_.at<float>(y) + size_t(row) * groups * 8;
      result.insert(result.end(), from, from + shape_.features);
    }
    return result;
  }

  // The same in float64, from the activations that the last run() quantized.
  std::vector<double> expected(int rows) {
    std::vector<double> result;
    for (int row = 0; row < rows; row++) {
      for (int n = 0; n < shape_.features; n++) {
        double sum = 0;
        for (int k = 0; k < shape_.width; k++) {
          sum += activation(row, k, rows) * decode(info_, raw_, size_t(n) * shape_.width + k);
        }
        result.push_back(sum);
      }
    }
    return result;
  }

  // The largest error of a quantized activation, in steps of its block's scale.
  double quantization_error(int rows) {
    double worst = 0;
    for (int row = 0; row < rows; row++) {
      for (int k = 0; k < shape_.width; k++) {
        const double error = std::fabs(activation(row, k, rows) - x_[size_t(row) * shape_.width + k]);
        worst = std::max(worst, error / scale(row, k / 32, rows));
      }
    }
    return worst;
  }

  // Rows of the packed weight by token id, some of them out of range.
  void check_embedding() {
    const std::vector<int32_t> tokens = {shape_.features - 1, -1, 0, shape_.features};
    const size_t row_bytes = (size_t(shape_.width) * 4 + 31) / 32 * 32;
    const size_t y = machine_.allocate(row_bytes * tokens.size());
    const uint32_t at = units(machine_.place(tokens));
    const uint32_t count = units(machine_.place_count(int32_t(tokens.size())));
    machine_.run({{Opcode::Embedding,
                   {units(packed_), uint32_t(info_.type), uint32_t(shape_.features), uint32_t(shape_.width), at, count,
                    units(y), units(row_bytes), bits(0.5f)}}});
    for (size_t i = 0; i < tokens.size(); i++) {
      const bool known = tokens[i] >= 0 && tokens[i] < shape_.features;
      for (int k = 0; k < shape_.width; k++) {
        const double value = known ? 0.5 * decode(info_, raw_, size_t(tokens[i]) * shape_.width + k) : 0;
        const double actual = machine_.at<float>(y + row_bytes * i)[k];
        if (std::fabs(actual - value) > 1e-6 * std::fabs(value) + 1e-30) return fail("embedding differs");
      }
    }
  }

 private:
  // Places of row `row` in the activation layout (../assembly/activations.ts), by its own arithmetic.
  const uint8_t* group(int row, int block, int rows, bool* in_four) {
    const int fours = rows % 4 == 3 ? rows + 1 : rows / 4 * 4;
    const int blocks = shape_.width / 32;
    *in_four = row < fours;
    const size_t offset =
        *in_four ? size_t(row / 4) * blocks * 192 + size_t(block) * 192 : (size_t(row) * blocks + block) * 48;
    return machine_.at<uint8_t>(quantized_ + offset);
  }
  double scale(int row, int block, int rows) {
    bool in_four = false;
    const uint8_t* place = group(row, block, rows, &in_four);
    return load_at<float>(in_four ? place + 128 + row % 4 * 16 : place + 32);
  }
  double activation(int row, int k, int rows) {
    if (!info_.quantized()) return x_[size_t(row) * shape_.width + k];
    bool in_four = false;
    const uint8_t* place = group(row, k / 32, rows, &in_four);
    const int8_t q = static_cast<int8_t>(place[(in_four ? row % 4 * 32 : 0) + k % 32]);
    return q * scale(row, k / 32, rows);
  }

  Machine& machine_;
  const TypeInfo& info_;
  Shape shape_;
  Random random_;
  std::vector<uint8_t> raw_;
  std::vector<float> x_;
  size_t raw_at_ = 0;
  size_t packed_ = 0;
  size_t quantized_ = 0;
};

// Results of the first setting, which all others must equal bit for bit.
std::map<std::tuple<int, int>, std::vector<float>> first_results;

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || memcmp(a.data(), b.data(), a.size() * 4) == 0);
}

// The products of rows 2i and 2i + 1 added up, bit for bit.
void check_pairs(LinearCase& linear, const std::vector<float>& y, const Shape& shape) {
  std::vector<float> sums;
  for (int row = 0; row + 1 < shape.rows; row += 2) {
    const float* pair = y.data() + size_t(row) * shape.features;
    for (int n = 0; n < shape.features; n++) sums.push_back(pair[n] + pair[shape.features + n]);
  }
  check(same_bits(sums, linear.run(0, shape.rows & ~1, true)), "pairs of rows are not added up");
}

void run_case(Machine& machine, const TypeInfo& info, int index) {
  const Shape shape = shapes_of(info)[index];
  LinearCase linear(machine, info, shape);
  const std::vector<float> y = linear.run(0, shape.rows);
  if (info.quantized()) check(linear.quantization_error(shape.rows) <= 0.5001, "quantize rounds wrongly");
  const double error = nmse({y.begin(), y.end()}, linear.expected(shape.rows));
  check(error <= 1e-9, "normalised mean squared error " + std::to_string(error));
  linear.check_embedding();
  if (info.quantized()) check_pairs(linear, y, shape);
  const auto [first, inserted] = first_results.try_emplace({int(info.type), index}, y);
  if (inserted) digest_results(y);
  check(same_bits(first->second, y), "bits differ from those of the first level and thread count");
  for (int row = 0; row < shape.rows; row += 1 + shape.rows / 3) {
    const int rows = std::min(shape.rows - row, 1 + row % 3);
    const std::vector<float> part = linear.run(row, rows);
    const auto start = y.begin() + size_t(row) * shape.features;
    check(same_bits({start, start + part.size()}, part), "bits depend on the rows of the call");
  }
}

}  // namespace

void test_linear(const Setting& setting) {
  Machine machine(setting.level, setting.threads);
  for (const TypeInfo& info : kTypes) {
    for (int i = 0; i < int(shapes_of(info).size()); i++) {
      const Shape& shape = shapes_of(info)[i];
      if (setting.reduced && shape.features * shape.width * shape.rows > 40000) continue;
      begin_case("linear " + std::string(info.name) + " " + std::to_string(shape.features) + "x" +
                 std::to_string(shape.width) + " rows " + std::to_string(shape.rows) + " " + setting.level +
                 " threads " + std::to_string(setting.threads));
      run_case(machine, info, i);
    }
  }
}

}  // namespace millet::test
