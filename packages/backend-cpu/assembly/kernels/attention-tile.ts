/**
 * A thread's work space for a tile of up to four queries of one KV head: queries, scores, and the running softmax
 * (maximum m, sum l, output o) of the current segment and of all segments so far. Globals: every thread has its own
 * instance of the module, and its own part of the scratch memory.
 */
import { address, word } from "../address";
import { tilesOf, valueColumns } from "../kv";
import { KvBlock, KvType, AttentionOperand as Operand } from "../opcodes";
import { privateIndex } from "../partition";
import { exp1 } from "./exp";

/** Below every score, and finite, so that differences of maxima are never NaN. */
export const NO_SCORE: f32 = -1e30;

/** [4][headDim rounded up to 32], rows `queryStride` bytes apart. */
export let queries: usize = 0;
export let queryStride: usize = 0;
/** Bytes between the scores of two queries, and between their masks. */
export const SCORE_STRIDE: usize = KvBlock.SpanBlocks << 7;
/** [4][rows of a span] scores, then probabilities. */
export let scores: usize = 0;
/** [4][rows of a span], all ones where a cached row is visible. */
export let masks: usize = 0;
/** Positions of the queries, i32[4]. */
export let positions: usize = 0;
/** The least and the greatest of them. */
export let firstPosition: i32 = 0;
export let lastPosition: i32 = 0;
/** m[4], l[4] of the segment, and the factors alpha[4] on what was summed before. */
export let segmentMaximum: usize = 0;
export let segmentSum: usize = 0;
export let alphas: usize = 0;
/** q8_0 only: probabilities times the scales of their values as i16[4][32], and the units of these, f32[4]. */
export let weights: usize = 0;
export let weightUnits: usize = 0;
/** q8_0 only: the queries are i16, and these are their units, f32[4]. */
export let queryUnits: usize = 0;
/** Scales of a tile's rows, f32[32]; f32[32] of ones. */
export let scales: usize = 0;
export let ones: usize = 0;
/** o of the segment, [4][valueDim with its padding]. */
export let segmentOutput: usize = 0;
export let outputStride: usize = 0;

let totalMaximum: usize = 0;
let totalSum: usize = 0;
let totalOutput: usize = 0;

export function openTile(step: usize): void {
  queryStride = <usize>tilesOf(word(step, Operand.HeadDim)) << 7;
  const type: KvType = word(step, Operand.Type);
  outputStride = <usize>valueColumns(type, word(step, Operand.ValueDim)) << 2;
  scores = address(step, Operand.Scratch) + address(step, Operand.ScratchPrivate) * privateIndex;
  masks = scores + 4 * SCORE_STRIDE;
  positions = masks + 4 * SCORE_STRIDE;
  segmentMaximum = positions + 16;
  segmentSum = positions + 32;
  alphas = positions + 48;
  totalMaximum = positions + 64;
  totalSum = positions + 80;
  weightUnits = positions + 96;
  queryUnits = positions + 112;
  weights = positions + 128;
  scales = weights + 256;
  ones = scales + 128;
  for (let i: usize = 0; i < 128; i += 16) v128.store(ones + i, f32x4.splat(1));
  queries = ones + 128;
  segmentOutput = queries + (queryStride << 2);
  totalOutput = segmentOutput + (outputStride << 2);
}

/** `position` of query `i`; queries come in order. */
export function setPosition(i: usize, position: i32): void {
  store<i32>(positions + (i << 2), position);
  firstPosition = i == 0 ? position : min(firstPosition, position);
  lastPosition = i == 0 ? position : max(lastPosition, position);
}

export function beginTotal(): void {
  v128.store(totalMaximum, f32x4.splat(NO_SCORE));
  v128.store(totalSum, f32x4.splat(0));
  memory.fill(totalOutput, 0, outputStride << 2);
}

export function beginSegment(): void {
  v128.store(segmentMaximum, f32x4.splat(NO_SCORE));
  v128.store(segmentSum, f32x4.splat(0));
  memory.fill(segmentOutput, 0, outputStride << 2);
}

/** Adds the segment of the first `n` queries to their totals. */
export function mergeSegment(n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const m = load<f32>(segmentMaximum + (i << 2));
    merge(i, m, load<f32>(segmentSum + (i << 2)), segmentOutput + outputStride * i);
  }
}

/** The same for a saved segment of query `i`. */
export function mergePartial(i: i32, partial: usize): void {
  merge(i, load<f32>(partial), load<f32>(partial, 4), partial + 16);
}

export function savePartial(i: i32, partial: usize): void {
  store<f32>(partial, load<f32>(segmentMaximum + (<usize>i << 2)));
  store<f32>(partial, load<f32>(segmentSum + (<usize>i << 2)), 4);
  memory.copy(partial + 16, segmentOutput + outputStride * i, outputStride);
}

function merge(i: usize, m: f32, l: f32, o: usize): void {
  const before = load<f32>(totalMaximum + (i << 2));
  const maximum = max(before, m);
  const oldFactor = exp1(before - maximum);
  const newFactor = exp1(m - maximum);
  store<f32>(totalMaximum + (i << 2), maximum);
  store<f32>(totalSum + (i << 2), load<f32>(totalSum + (i << 2)) * oldFactor + l * newFactor);
  const total = totalOutput + outputStride * i;
  for (let d: usize = 0; d < outputStride; d += 16) {
    const old = f32x4.mul(v128.load(total + d), f32x4.splat(oldFactor));
    v128.store(total + d, f32x4.add(old, f32x4.mul(v128.load(o + d), f32x4.splat(newFactor))));
  }
}

/** o / l of query `i`; zeros if it sees nothing. */
export function writeTotal(i: i32, valueDim: i32, y: usize): void {
  const sum = load<f32>(totalSum + (<usize>i << 2));
  const factor: f32 = sum > 0 ? 1 / sum : 0;
  const total = totalOutput + outputStride * i;
  // Element by element at the end: the next head's place may be another thread's.
  let d = 0;
  for (; d + 4 <= valueDim; d += 4) {
    v128.store(y + (<usize>d << 2), f32x4.mul(v128.load(total + (<usize>d << 2)), f32x4.splat(factor)));
  }
  for (; d < valueDim; d++) store<f32>(y + (<usize>d << 2), load<f32>(total + (<usize>d << 2)) * factor);
}
