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

// Blocks of a sequence that are computed with at once: `blocks` of them from `first` on, none if that is 0.
struct Span {
  int32_t kv_head;
  int32_t sequence;
  int32_t first;
  int blocks;
};

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

  int32_t blocks_of(int32_t sequence) const { return (length_of(sequence) + KvBlock::Rows - 1) / KvBlock::Rows; }

  const uint8_t* table() const { return block_addresses(run, step, Operand::Blocks); }

  int32_t block_of(const Span& span, int j) const {
    const int64_t place = int64_t{span.sequence} * operand(Operand::BlockTableColumns) + span.first + j;
    return i32_at(address(run, step, Operand::BlockTable), place);
  }

  const uint8_t* positions_of(const Span& span, int j) const { return positions_at(run, table(), block_of(span, j)); }

  // The first span of a segment; none of one past the end.
  Span first_span(int32_t kv_head, int32_t sequence, int32_t segment) const {
    const int32_t first = segment * KvBlock::SegmentBlocks;
    return {kv_head, sequence, first, max(0, min(KvBlock::SpanBlocks, blocks_of(sequence) - first))};
  }

  // Keys of block j of a span, or null if it has no such block.
  const uint8_t* keys_of(const Span& span, int j) const {
    if (j >= span.blocks) return nullptr;
    const int64_t stride =
        head_stride(kv_type(step, Operand::Type), operand(Operand::HeadDim), operand(Operand::ValueDim));
    return block_at(run, table(), block_of(span, j)) + units(step, Operand::LayerOffset) + stride * span.kv_head;
  }

  // While it computes with a span, it asks for the keys of the next.
  void attend_span(int n, const Span& span, const Span& next) const {
    const KvType type = kv_type(step, Operand::Type);
    const int32_t head_dim = operand(Operand::HeadDim);
    const int32_t value_dim = operand(Operand::ValueDim);
    const int32_t left = length_of(span.sequence) - span.first * KvBlock::Rows;
    bool masked = false;
    for (int j = 0; j < span.blocks && !masked; j++) {
      masked = !sees_all(tile, step, n, positions_of(span, j), left - j * KvBlock::Rows);
    }
    CachedHead heads[KvBlock::SpanBlocks];
    int seen = 0;
    for (int j = 0; j < span.blocks; j++) {
      if (masked && !mask_block(tile, step, n, positions_of(span, j), left - j * KvBlock::Rows, j)) continue;
      if (j < next.blocks) {
        __builtin_prefetch(positions_of(next, j));  // its positions
        __builtin_prefetch(positions_of(next, j) + 64);
      }
      const uint8_t* keys = keys_of(span, j);
      heads[seen++] = {type,
                       head_dim,
                       value_dim,
                       value_columns(type, value_dim),
                       j,
                       keys,
                       keys + key_bytes(type, head_dim),
                       keys_of(next, j)};
    }
    if (seen == 0) return;
    for (int i = 0; i < seen; i++) score_block(heads[i], tile, n);
    softmax_span(tile, step, n, span.blocks * KvBlock::Rows, masked);
    for (int i = 0; i < seen; i++) add_values(heads[i], tile, n, i == 0 ? tile.alphas : tile.ones);
  }

  // From its first span on; `next` follows the segment.
  void attend_segment(int n, Span span, const Span& next) const {
    const int32_t end = min(span.first + KvBlock::SegmentBlocks, blocks_of(span.sequence));
    begin_segment(tile);
    while (span.blocks > 0) {
      Span following = span;
      following.first += KvBlock::SpanBlocks;
      following.blocks = max(0, min(KvBlock::SpanBlocks, end - following.first));
      attend_span(n, span, following.blocks > 0 ? following : next);
      span = following;
    }
  }

  void attend_all(int32_t kv_head, int n, int32_t sequence, const Span& next) const {
    const int32_t segments = segments_of(length_of(sequence));
    begin_total(tile);
    for (int32_t segment = 0; segment < segments; segment++) {
      const bool is_last = segment + 1 == segments;
      attend_segment(n, first_span(kv_head, sequence, segment),
                     is_last ? next : first_span(kv_head, sequence, segment + 1));
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

  // Up to four queries of a KV head, in runs that belong to one sequence; `next` follows the last run.
  void attend_tile(int32_t kv_head, int32_t first, int32_t end, int32_t segment, bool shared, const Span& next) const {
    while (first < end) {
      const int32_t sequence = sequence_of(first / group());
      int n = 1;
      while (first + n < end && sequence_of((first + n) / group()) == sequence) n++;
      prepare_queries(kv_head, first, n);
      const Span after = first + n < end ? Span{} : next;
      if (shared) attend_segment(n, first_span(kv_head, sequence, segment), after);
      else attend_all(kv_head, n, sequence, after);
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
  const auto first_query = [&](int32_t unit) { return unit / segments % tiles * 4; };
  const auto kv_head = [&](int32_t unit) { return unit / segments / tiles; };
  // Dealt one by one: later rows see more of the cache.
  for (int32_t unit = run.thread; unit < units; unit += run.threads) {
    if (aborted(run)) return;
    const int32_t first = first_query(unit);
    const int32_t end = min(first + 4, queries);
    const int32_t next = unit + run.threads;
    Span after = {};
    if (next < units)
      after = a.first_span(kv_head(next), a.sequence_of(first_query(next) / a.group()), next % segments);
    a.attend_tile(kv_head(unit), first, end, unit % segments, segments > 1, after);
    if (segments > 1) a.finish_shared(kv_head(unit), first, end, unit / segments, segments);
  }
}

}  // namespace millet::MILLET_LEVEL
