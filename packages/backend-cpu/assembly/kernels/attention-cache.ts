/**
 * The two products of attention with a block of the cache, by its type: scores = queries x keys, and output = output *
 * alpha + probabilities x values. `prepareQuery` puts a query into the form that the type's product takes.
 */
import { inFours, tilesOf } from "../kv";
import { KvBlock, KvType } from "../opcodes";
import { productByte } from "./attention-byte";
import { enlarge, productHalf } from "./attention-half";
import { product } from "./attention-product";
import { scoreQuads } from "./attention-quad-keys";
import { addQuads } from "./attention-quad-values";
import { tileScales, toPlanes, toShorts, weigh } from "./attention-shorts";
import {
  ones,
  outputStride,
  queries,
  queryStride,
  queryUnits,
  SCORE_STRIDE,
  scales,
  scores,
  segmentOutput,
  weights,
  weightUnits,
} from "./attention-tile";

/** Bytes of a row of A of the second product, as i16 or as two planes. */
const WEIGHT_BYTES: usize = 64;

/** Query `i` was written as f32. */
export function prepareQuery(type: KvType, i: usize, headDim: i32): void {
  const query = queries + queryStride * i;
  if (type == KvType.F32) return;
  memory.fill(query + (<usize>headDim << 2), 0, queryStride - (<usize>headDim << 2));
  const columns = tilesOf(headDim) << 5;
  if (type == KvType.F16) enlarge(query, queryStride);
  else if (inFours()) store<f32>(queryUnits + (i << 2), toPlanes(query, columns, query));
  else store<f32>(queryUnits + (i << 2), toShorts(query, columns, query));
}

/**
 * Asks for all of a head's part of a block at once: WASM has no prefetch, and what lies apart comes slowly line by line.
 */
export function touch(from: usize, bytes: usize): void {
  let seen: i32 = 0;
  for (let at = from; at < from + bytes; at += 64) seen |= load<i32>(at);
  touched = seen;
}

/** Keeps the compiler from leaving the reads of `touch` out. */
let touched: i32 = 0;

/** Scores of `n` queries with block `j` of a span. */
export function scoreBlock(type: KvType, n: i32, keys: usize, headDim: i32, j: i32): void {
  const target = scores + (<usize>j << 7);
  const rows = KvBlock.Rows;
  if (type == KvType.F32) {
    product(n, queries, queryStride, keys, rows << 2, headDim, target, SCORE_STRIDE, rows, 0);
  } else if (type == KvType.F16) {
    productHalf(n, queries, queryStride, keys, rows << 1, headDim, target, SCORE_STRIDE, rows, 0);
  } else if (inFours()) {
    scoreQuads(n, queries, queryStride, keys, headDim, target, SCORE_STRIDE, queryUnits);
  } else {
    for (let i: usize = 0; i < <usize>n; i++) memory.fill(target + SCORE_STRIDE * i, 0, 128);
    for (let d = 0; d < headDim; d += 32) {
      const pairs = (min(32, headDim - d) + 1) >> 1;
      const a = queries + (<usize>d << 1);
      tileScales(keys, scales);
      productByte(n, a, queryStride, keys + 64, pairs, target, SCORE_STRIDE, ones, queryUnits, scales);
      keys += KvBlock.TileBytes;
    }
  }
}

/** output * factor + probabilities x values, for `n` queries and block `j` of a span. @param factors f32 per query */
export function addValues(type: KvType, n: i32, values: usize, width: i32, j: i32, factors: usize): void {
  const a = scores + (<usize>j << 7);
  const rows = KvBlock.Rows;
  if (type == KvType.F32) {
    product(n, a, SCORE_STRIDE, values, <usize>width << 2, rows, segmentOutput, outputStride, width, factors);
  } else if (type == KvType.F16) {
    for (let i: usize = 0; i < <usize>n; i++) enlarge(a + SCORE_STRIDE * i, 128);
    productHalf(n, a, SCORE_STRIDE, values, <usize>width << 1, rows, segmentOutput, outputStride, width, factors);
  } else {
    for (let d = 0; d < width; d += 32) {
      tileScales(values, scales);
      for (let i: usize = 0; i < <usize>n; i++) {
        store<f32>(weightUnits + (i << 2), weigh(a + SCORE_STRIDE * i, scales, weights + WEIGHT_BYTES * i));
      }
      const c = segmentOutput + (<usize>d << 2);
      if (inFours()) addQuads(n, weights, WEIGHT_BYTES, values + 64, c, outputStride, factors, weightUnits);
      else productByte(n, weights, WEIGHT_BYTES, values + 64, 16, c, outputStride, factors, weightUnits, ones);
      values += KvBlock.TileBytes;
    }
  }
}
