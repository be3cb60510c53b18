// attention: softmax(scale * Q K^T) V over a sequence's cached rows, with the online softmax of FlashAttention (Dao et
// al. 2022, arXiv 2205.14135) over spans of 128 rows in order. Queries that share a KV head go in tiles of four. Blocks
// make segments that are merged in order, so that threads may share the segments of one tile (decode); a masked row
// contributes exactly nothing. Results therefore depend on neither tiles, chunks nor threads.
#include "attention-cache.h"
#include "attention-softmax.h"
#include "kernels.h"
#include "rope.h"

namespace millet::MILLET_LEVEL {

using Operand = AttentionOperand;

namespace {

struct Attention {
  const Run& run;
  const uint32_t* step;
  Tile tile;

  int32_t operand(int name) const { return word(step, name); }
  // Query heads that share a KV head.
  int32_t group() const { return operand(Operand::Heads) / operand(Operand::KvHeads); }
  int32_t rows() const { return count(run, step, Operand::Count); }
  int32_t sequence_of(int32_t row) const { return i32_at(address(run, step, Operand::Sequences), row); }
  int32_t length_of(int32_t sequence) const { return i32_at(address(run, step, Operand::Lengths), sequence); }

  static int32_t segments_of(int32_t length) {
    constexpr int32_t kSegmentRows = KvBlock::Rows * KvBlock::SegmentBlocks;
    return (length + kSegmentRows - 1) / kSegmentRows;
  }

  // Segments of the longest sequence of the call.
  int32_t longest_segments() const {
    int32_t longest = 1;
    for (int32_t row = 0; row < rows(); row++) longest = max(longest, segments_of(length_of(sequence_of(row))));
    return longest;
  }

  // Rotated and scaled queries, and their positions.
  void prepare_queries(int32_t kv_head, int32_t first, int n) const {
    const int32_t head_dim = operand(Operand::HeadDim);
    const int32_t pairs = operand(Operand::RotationPairs);
    const bool interleaved = operand(Operand::Interleaved) != 0;
    for (int i = 0; i < n; i++) {
      const int32_t row = (first + i) / group();
      const int64_t head = kv_head * group() + (first + i) % group();
      const float* q = floats(address(run, step, Operand::Q) + units(step, Operand::QStride) * row) + head * head_dim;
      const float* table = rotation_of(address(run, step, Operand::Rotation), row, pairs);
      float* target = tile.queries + tile.query_stride * i;
      rotate(q, table, pairs, interleaved, head_dim, real(step, Operand::Scale), target);
      prepare_query(kv_type(step, Operand::Type), tile, i, head_dim);
      tile.positions[i] = i32_at(address(run, step, Operand::Positions), row);
    }
  }

  // A block of a sequence, or null past the sequence's `length`.
  const uint8_t* block_of(int32_t sequence, int32_t b, int32_t length) const {
    if (b * KvBlock::Rows >= length) return nullptr;
    const int64_t place = int64_t{sequence} * operand(Operand::BlockTableColumns) + b;
    const int32_t id = i32_at(address(run, step, Operand::BlockTable), place);
    return block_at(run, block_addresses(run, step, Operand::Blocks), id);
  }

  // Blocks `first` and after of a sequence.
  void attend_span(int32_t kv_head, int n, int32_t sequence, int32_t first, int blocks, int32_t length) const {
    const KvType type = kv_type(step, Operand::Type);
    const int32_t head_dim = operand(Operand::HeadDim);
    const int32_t value_dim = operand(Operand::ValueDim);
    const int64_t offset = units(step, Operand::LayerOffset) + head_bytes(type, head_dim, value_dim) * kv_head;
    const int64_t values = offset + key_bytes(type, head_dim);
    CachedHead heads[KvBlock::SpanBlocks];
    int seen = 0;
    for (int j = 0; j < blocks; j++) {
      const uint8_t* block = block_of(sequence, first + j, length);
      if (!mask_block(tile, step, n, block, length - (first + j) * KvBlock::Rows, j)) continue;
      const uint8_t* next = block_of(sequence, first + j + KvBlock::SpanBlocks, length);
      __builtin_prefetch(next);  // its positions
      __builtin_prefetch(next + 64);
      heads[seen++] = {type, head_dim,       value_dim,      value_columns(type, value_dim),
                       j,    block + offset, block + values, next == nullptr ? nullptr : next + offset};
    }
    if (seen == 0) return;
    for (int i = 0; i < seen; i++) score_block(heads[i], tile, n);
    softmax_span(tile, step, n, blocks * KvBlock::Rows);
    for (int i = 0; i < seen; i++) add_values(heads[i], tile, n, i == 0 ? tile.alphas : tile.ones);
  }

  void attend_segment(int32_t kv_head, int n, int32_t sequence, int32_t segment) const {
    const int32_t length = length_of(sequence);
    const int32_t first = segment * KvBlock::SegmentBlocks;
    const int32_t end = min(first + KvBlock::SegmentBlocks, (length + KvBlock::Rows - 1) / KvBlock::Rows);
    begin_segment(tile);
    for (int32_t b = first; b < end; b += KvBlock::SpanBlocks) {
      attend_span(kv_head, n, sequence, b, min(KvBlock::SpanBlocks, end - b), length);
    }
  }

  void attend_all(int32_t kv_head, int n, int32_t sequence) const {
    const int32_t segments = segments_of(length_of(sequence));
    begin_total(tile);
    for (int32_t segment = 0; segment < segments; segment++) {
      attend_segment(kv_head, n, sequence, segment);
      merge_segment(tile, n);
    }
  }

  float* partial_of(int32_t kv_head, int32_t query, int32_t segment) const {
    const int64_t queries = int64_t{rows()} * group();
    const int64_t index = (kv_head * queries + query) * operand(Operand::MaxSegments) + segment;
    return floats(address(run, step, Operand::Partials)) + (tile.output_stride + 4) * index;
  }

  void write_output(int i, int32_t kv_head, int32_t query) const {
    const int32_t value_dim = operand(Operand::ValueDim);
    const int64_t head = kv_head * group() + query % group();
    uint8_t* y = address(run, step, Operand::Y) + units(step, Operand::YStride) * (query / group());
    write_total(tile, i, value_dim, floats(y) + head * value_dim);
  }

  // Up to four queries of a KV head, in runs that belong to one sequence.
  void attend_tile(int32_t kv_head, int32_t first, int32_t end, int32_t segment, bool shared) const {
    while (first < end) {
      const int32_t sequence = sequence_of(first / group());
      int n = 1;
      while (first + n < end && sequence_of((first + n) / group()) == sequence) n++;
      prepare_queries(kv_head, first, n);
      if (shared) attend_segment(kv_head, n, sequence, segment);
      else attend_all(kv_head, n, sequence);
      for (int i = 0; i < n; i++) {
        if (shared) save_partial(tile, i, partial_of(kv_head, first + i, segment));
        else write_output(i, kv_head, first + i);
      }
      first += n;
    }
  }

  // The thread that finishes a tile's last segment merges them all, in order.
  void finish_shared(int32_t kv_head, int32_t first, int32_t end, int32_t tile_index, int32_t segments) const {
    int32_t* counter = reinterpret_cast<int32_t*>(address(run, step, Operand::Counters)) + tile_index;
    if (__atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL) < segments) return;
    begin_total(tile);
    for (int32_t query = first; query < end; query++) {
      const int i = query - first;
      for (int32_t s = 0; s < segments; s++) merge_partial(tile, i, partial_of(kv_head, query, s));
      write_output(i, kv_head, query);
    }
  }
};

}  // namespace

void attention(const Run& run, const uint32_t* step) {
  const Attention a = {run, step, open_tile(run, step)};
  const int32_t queries = a.rows() * a.group();
  const int32_t tiles = (queries + 3) >> 2;
  const int32_t segments = word(step, Operand::Partials) == 0 ? 1 : a.longest_segments();
  const int32_t units = word(step, Operand::KvHeads) * tiles * segments;
  // Dealt one by one: later rows see more of the cache.
  for (int32_t unit = run.thread; unit < units; unit += run.threads) {
    if (aborted(run)) return;
    const int32_t tile = unit / segments;
    const int32_t kv_head = tile / tiles;
    const int32_t first = (tile % tiles) * 4;
    const int32_t end = min(first + 4, queries);
    a.attend_tile(kv_head, first, end, unit % segments, segments > 1);
    if (segments > 1) a.finish_shared(kv_head, first, end, tile, segments);
  }
}

}  // namespace millet::MILLET_LEVEL
