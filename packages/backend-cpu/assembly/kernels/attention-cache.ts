/**
 * The two products of attention with a block of the cache, by its type: scores = queries x keys, and output = output *
 * alpha + probabilities x values. `prepareA` puts a tile's queries into the form that the type's product takes.
 */
import { keyBytes, tilesOf, valueBytes } from "../kv";
import { KvBlock, KvType } from "../opcodes";
import { productByte, tileScales, toShorts } from "./attention-byte";
import { enlarge, productHalf } from "./attention-half";
import { product } from "./attention-product";
import {
  alphas,
  ones,
  outputStride,
  queries,
  queryStride,
  queryUnits,
  scales,
  scores,
  segmentOutput,
  weighted,
  weights,
  weightUnits,
} from "./attention-tile";

/** Bytes of a row of A of the second product as i16. */
const WEIGHT_BYTES: usize = 64;

/** Query `i` was written as f32. */
export function prepareQuery(type: KvType, i: usize, headDim: i32): void {
  const query = queries + queryStride * i;
  if (type == KvType.F32) return;
  memory.fill(query + (<usize>headDim << 2), 0, queryStride - (<usize>headDim << 2));
  if (type == KvType.F16) enlarge(query, queryStride);
  else store<f32>(queryUnits + (i << 2), toShorts(query, tilesOf(headDim) << 5, query));
}

/**
 * Asks for all of a head's part of a block at once: WASM has no prefetch, and what lies apart comes slowly line by line.
 */
function touch(from: usize, bytes: usize): void {
  let seen: i32 = 0;
  for (let at = from; at < from + bytes; at += 64) seen |= load<i32>(at);
  touched = seen;
}

/** Keeps the compiler from leaving the reads of `touch` out. */
let touched: i32 = 0;

/** Scores of `n` queries; `keys` are those of a head in a block, its values follow. */
export function scoreBlock(type: KvType, n: i32, keys: usize, headDim: i32, valueDim: i32): void {
  touch(keys, keyBytes(type, headDim) + valueBytes(type, valueDim));
  if (type == KvType.F32) {
    product(n, queries, queryStride, keys, KvBlock.Rows << 2, headDim, scores, 128, KvBlock.Rows, 0);
  } else if (type == KvType.F16) {
    productHalf(n, queries, queryStride, keys, KvBlock.Rows << 1, headDim, scores, 128, KvBlock.Rows, 0);
  } else {
    memory.fill(scores, 0, <usize>n << 7);
    for (let d = 0; d < headDim; d += 32) {
      const pairs = (min(32, headDim - d) + 1) >> 1;
      const a = queries + (<usize>d << 1);
      tileScales(keys, scales);
      productByte(n, a, queryStride, keys + 64, pairs, scores, 128, ones, queryUnits, scales);
      keys += KvBlock.TileBytes;
    }
  }
}

/** Adds probabilities x values to the output of `n` queries. */
export function addValues(type: KvType, n: i32, values: usize, width: i32): void {
  if (type == KvType.F32) {
    product(n, scores, 128, values, <usize>width << 2, KvBlock.Rows, segmentOutput, outputStride, width, alphas);
  } else if (type == KvType.F16) {
    enlarge(scores, <usize>n << 7);
    productHalf(n, scores, 128, values, <usize>width << 1, KvBlock.Rows, segmentOutput, outputStride, width, alphas);
  } else {
    for (let d = 0; d < width; d += 32) {
      tileScales(values, scales);
      for (let i = 0; i < n; i++) weigh(i);
      const c = segmentOutput + (<usize>d << 2);
      productByte(n, weights, WEIGHT_BYTES, values + 64, 16, c, outputStride, alphas, weightUnits, ones);
      values += KvBlock.TileBytes;
    }
  }
}

/** Probabilities times the scales of a tile's rows, as i16. */
function weigh(i: i32): void {
  const probabilities = scores + (<usize>i << 7);
  for (let j: usize = 0; j < 128; j += 16) {
    v128.store(weighted + j, f32x4.mul(v128.load(probabilities + j), v128.load(scales + j)));
  }
  const unit = toShorts(weighted, KvBlock.Rows, weights + WEIGHT_BYTES * i);
  store<f32>(weightUnits + (<usize>i << 2), unit);
}
