/**
 * attention: softmax(scale * Q K^T) V over a sequence's cached rows, with the online softmax of FlashAttention (Dao et
 * al. 2022, arXiv 2205.14135) over spans of 128 rows in order. Queries that share a KV head go in tiles of four. Blocks
 * make segments that are merged in order, so that threads may share the segments of one tile (decode); a masked row
 * contributes exactly nothing. Results therefore depend on neither tiles, chunks nor threads.
 */
import { address, count, real, word } from "../address";
import { blockAddresses, blockAt, headBytes, keyBytes, positionsAt, valueColumns } from "../kv";
import { KvBlock, KvType, AttentionOperand as Operand } from "../opcodes";
import { aborted } from "../shares";
import { addValues, prepareQuery, scoreBlock, touch } from "./attention-cache";
import { maskBlock, seesAll, softmaxSpan } from "./attention-softmax";
import {
  alphas,
  beginSegment,
  beginTotal,
  mergePartial,
  mergeSegment,
  ones,
  openTile,
  outputStride,
  queries,
  queryStride,
  savePartial,
  setPosition,
  writeTotal,
} from "./attention-tile";
import { rotate, rotationOf } from "./rope";

export function attention(step: usize, thread: i32, threads: i32): void {
  const rows = count(step, Operand.Count);
  const kvHeads = word(step, Operand.KvHeads);
  const queryCount = rows * groupOf(step);
  const tiles = (queryCount + 3) >> 2;
  const segments = address(step, Operand.Partials) == 0 ? 1 : longestSegments(step, rows);
  openTile(step);
  const units = kvHeads * tiles * segments;
  // Dealt one by one: later rows see more of the cache.
  for (let unit = thread; unit < units; unit += threads) {
    if (aborted()) return;
    const tile = unit / segments;
    const first = (tile % tiles) << 2;
    const end = min(first + 4, queryCount);
    attendTile(step, tile / tiles, first, end, unit % segments, segments > 1);
    if (segments > 1) finishShared(step, tile / tiles, first, end, tile, segments);
  }
}

/** Segments of the longest sequence of the call. */
function longestSegments(step: usize, rows: i32): i32 {
  let longest = 1;
  for (let row = 0; row < rows; row++) longest = max(longest, segmentsOf(lengthOf(step, sequenceOf(step, row))));
  return longest;
}

@inline
function segmentsOf(length: i32): i32 {
  const segmentRows = KvBlock.Rows * KvBlock.SegmentBlocks;
  return (length + segmentRows - 1) / segmentRows;
}

@inline
function sequenceOf(step: usize, row: i32): i32 {
  return load<i32>(address(step, Operand.Sequences) + (<usize>row << 2));
}

@inline
function lengthOf(step: usize, sequence: i32): i32 {
  return load<i32>(address(step, Operand.Lengths) + (<usize>sequence << 2));
}

/** Query heads that share a KV head. */
@inline
function groupOf(step: usize): i32 {
  return word(step, Operand.Heads) / word(step, Operand.KvHeads);
}

/** Up to four queries of a KV head, in runs that belong to one sequence. */
function attendTile(step: usize, kvHead: i32, first: i32, end: i32, segment: i32, shared: bool): void {
  const group = groupOf(step);
  while (first < end) {
    const sequence = sequenceOf(step, first / group);
    let n = 1;
    while (first + n < end && sequenceOf(step, (first + n) / group) == sequence) n++;
    prepareQueries(step, kvHead, first, n);
    if (shared) {
      attendSegment(step, kvHead, n, sequence, segment);
      for (let i = 0; i < n; i++) savePartial(i, partialOf(step, kvHead, first + i, segment));
    } else {
      attendAll(step, kvHead, n, sequence);
      for (let i = 0; i < n; i++) writeOutput(step, i, kvHead, first + i);
    }
    first += n;
  }
}

function attendAll(step: usize, kvHead: i32, n: i32, sequence: i32): void {
  const segments = segmentsOf(lengthOf(step, sequence));
  beginTotal();
  for (let segment = 0; segment < segments; segment++) {
    attendSegment(step, kvHead, n, sequence, segment);
    mergeSegment(n);
  }
}

function attendSegment(step: usize, kvHead: i32, n: i32, sequence: i32, segment: i32): void {
  const length = lengthOf(step, sequence);
  const first = segment * KvBlock.SegmentBlocks;
  const end = min(first + KvBlock.SegmentBlocks, (length + KvBlock.Rows - 1) / KvBlock.Rows);
  beginSegment();
  for (let b = first; b < end; b += KvBlock.SpanBlocks) {
    attendSpan(step, kvHead, n, sequence, b, min<i32>(KvBlock.SpanBlocks, end - b));
  }
}

/** Rotated and scaled queries, and their positions. */
function prepareQueries(step: usize, kvHead: i32, first: i32, n: i32): void {
  const group = groupOf(step);
  const headDim = word(step, Operand.HeadDim);
  const pairs = word(step, Operand.RotationPairs);
  const interleaved = word(step, Operand.Interleaved) != 0;
  for (let i = 0; i < n; i++) {
    const row = (first + i) / group;
    const head = kvHead * group + ((first + i) % group);
    const q = address(step, Operand.Q) + address(step, Operand.QStride) * row + (<usize>(head * headDim) << 2);
    const table = rotationOf(address(step, Operand.Rotation), row, pairs);
    rotate(q, table, pairs, interleaved, headDim, real(step, Operand.Scale), queries + queryStride * i);
    prepareQuery(word(step, Operand.Type), i, headDim);
    setPosition(i, load<i32>(address(step, Operand.Positions) + (<usize>row << 2)));
  }
}

/** The `b`-th block of a sequence. */
function blockOf(step: usize, sequence: i32, b: i32): i32 {
  const columns = word(step, Operand.BlockTableColumns);
  return load<i32>(address(step, Operand.BlockTable) + (<usize>(sequence * columns + b) << 2));
}

/** Blocks `first` and after of a sequence. */
function attendSpan(step: usize, kvHead: i32, n: i32, sequence: i32, first: i32, blocks: i32): void {
  const length = lengthOf(step, sequence);
  const headDim = word(step, Operand.HeadDim);
  const valueDim = word(step, Operand.ValueDim);
  const type: KvType = word(step, Operand.Type);
  const bytes = headBytes(type, headDim, valueDim);
  const keys = address(step, Operand.LayerOffset) + bytes * KvBlock.GroupBlocks * kvHead;
  const table = blockAddresses(step, Operand.Blocks);
  let masked = false;
  for (let j = 0; j < blocks && !masked; j++) {
    masked = !seesAll(step, positionsAt(table, blockOf(step, sequence, first + j)), length - (first + j) * KvBlock.Rows);
  }
  let visible = 0;
  for (let j = 0; j < blocks; j++) {
    const block = blockOf(step, sequence, first + j);
    if (masked && !maskBlock(step, n, positionsAt(table, block), length - (first + j) * KvBlock.Rows, j)) continue;
    visible |= 1 << j;
    touch(blockAt(table, block) + keys, bytes);
  }
  if (visible == 0) return;
  for (let j = 0; j < blocks; j++) {
    if ((visible & (1 << j)) == 0) continue;
    scoreBlock(type, n, blockAt(table, blockOf(step, sequence, first + j)) + keys, headDim, j);
  }
  softmaxSpan(step, n, blocks, masked);
  const values = keys + keyBytes(type, headDim);
  const width = valueColumns(type, valueDim);
  let factors = alphas;
  for (let j = 0; j < blocks; j++) {
    if ((visible & (1 << j)) == 0) continue;
    addValues(type, n, blockAt(table, blockOf(step, sequence, first + j)) + values, width, j, factors);
    factors = ones;
  }
}

/** Where the partial result of a query of a KV head in a segment is kept: m, l, two words of room, o. */
function partialOf(step: usize, kvHead: i32, query: i32, segment: i32): usize {
  const queryCount = count(step, Operand.Count) * groupOf(step);
  const index = (kvHead * queryCount + query) * word(step, Operand.MaxSegments) + segment;
  return address(step, Operand.Partials) + (outputStride + 16) * index;
}

/** The thread that finishes a tile's last segment merges them all, in order. */
function finishShared(step: usize, kvHead: i32, first: i32, end: i32, tile: i32, segments: i32): void {
  if (arrive(address(step, Operand.Counters) + (<usize>tile << 2)) < segments) return;
  beginTotal();
  for (let query = first; query < end; query++) {
    const i = query - first;
    for (let s = 0; s < segments; s++) mergePartial(i, partialOf(step, kvHead, query, s));
    writeOutput(step, i, kvHead, query);
  }
}

/** Counts one more finished segment; atomic, so that the last one sees what the others wrote. */
function arrive(counter: usize): i32 {
  if (ASC_FEATURE_THREADS) return atomic.add<i32>(counter, 1) + 1;
  const finished = load<i32>(counter) + 1;
  store<i32>(counter, finished);
  return finished;
}

function writeOutput(step: usize, i: i32, kvHead: i32, query: i32): void {
  const group = groupOf(step);
  const valueDim = word(step, Operand.ValueDim);
  const head = kvHead * group + (query % group);
  const y = address(step, Operand.Y) + address(step, Operand.YStride) * (query / group);
  writeTotal(i, valueDim, y + (<usize>(head * valueDim) << 2));
}
