/** A span of cached rows in the online softmax: which rows are visible, and how scores become probabilities. */
import { real, word } from "../address";
import { KvBlock, AttentionOperand as Operand } from "../opcodes";
import {
  alphas,
  firstPosition,
  lastPosition,
  masks,
  NO_SCORE,
  positions,
  SCORE_STRIDE,
  scores,
  segmentMaximum,
  segmentSum,
} from "./attention-tile";
import { exp1, expNonpositive4 } from "./exp";
import { tanh4 } from "./tanh";

/**
 * Whether every query sees every row of a block, so that it needs no mask.
 * @param rows of the block that belong to the sequence
 */
export function seesAll(step: usize, block: usize, rows: i32): bool {
  if (rows < KvBlock.Rows) return false;
  const window = word(step, Operand.Window);
  if (word(step, Operand.Causal) != 0) {
    let latest = v128.load(block);
    for (let at: usize = 16; at < 128; at += 16) latest = i32x4.max_s(latest, v128.load(block + at));
    if (v128.any_true(i32x4.gt_s(latest, i32x4.splat(firstPosition)))) return false;
  }
  if (window == 0) return true;
  let earliest = v128.load(block);
  for (let at: usize = 16; at < 128; at += 16) earliest = i32x4.min_s(earliest, v128.load(block + at));
  const distances = i32x4.sub(i32x4.splat(lastPosition), earliest);
  return !v128.any_true(i32x4.ge_s(distances, i32x4.splat(window)));
}

/**
 * Writes the masks of `n` queries on block `j` of a span.
 * @param rows rows of the block that belong to the sequence; more than 32 count as 32
 * @returns false if no query sees any row
 */
export function maskBlock(step: usize, n: i32, block: usize, rows: i32, j: i32): bool {
  const causal = word(step, Operand.Causal) != 0;
  const window = word(step, Operand.Window);
  let any = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>n; i++) {
    const query = i32x4.splat(load<i32>(positions + (i << 2)));
    const target = masks + SCORE_STRIDE * i + (<usize>j << 7);
    let lane = i32x4(0, 1, 2, 3);
    for (let at: usize = 0; at < 128; at += 16) {
      const key = v128.load(block + at);
      let mask = i32x4.lt_s(lane, i32x4.splat(rows));
      if (causal) mask = v128.and(mask, i32x4.le_s(key, query));
      if (window != 0) mask = v128.and(mask, i32x4.lt_s(i32x4.sub(query, key), i32x4.splat(window)));
      v128.store(target + at, mask);
      any = v128.or(any, mask);
      lane = i32x4.add(lane, i32x4.splat(4));
    }
  }
  return v128.any_true(any);
}

/**
 * Scores of `n` queries to probabilities relative to the new maximum; updates m, l and alpha. NaN stays NaN.
 * @param masked false if every row of the span is visible to every query: then there are no masks
 */
export function softmaxSpan(step: usize, n: i32, blocks: i32, masked: bool): void {
  const softCap = real(step, Operand.SoftCap);
  for (let i: usize = 0; i < <usize>n; i++) {
    const row = scores + SCORE_STRIDE * i;
    const bytes = <usize>blocks << 7;
    if (softCap != 0) capScores(row, bytes, softCap);
    if (masked) softmaxRow(row, bytes, masks + SCORE_STRIDE * i, i << 2);
    else softmaxVisible(row, bytes, i << 2);
  }
}

function softmaxRow(row: usize, bytes: usize, mask: usize, i: usize): void {
  let most = f32x4.splat(NO_SCORE);
  for (let j: usize = 0; j < bytes; j += 16) {
    most = f32x4.pmax(most, v128.bitselect(v128.load(row + j), f32x4.splat(NO_SCORE), v128.load(mask + j)));
  }
  const maximum = raise(i, most);
  let sum = f32x4.splat(0);
  for (let j: usize = 0; j < bytes; j += 16) {
    const p = v128.and(probability(row + j, maximum), v128.load(mask + j));
    v128.store(row + j, p);
    sum = f32x4.add(sum, p);
  }
  addToSum(i, sum);
}

/** The same of a row that is visible from one end to the other, with the same bits. */
function softmaxVisible(row: usize, bytes: usize, i: usize): void {
  let most = f32x4.splat(NO_SCORE);
  for (let j: usize = 0; j < bytes; j += 16) most = f32x4.pmax(most, v128.load(row + j));
  const maximum = raise(i, most);
  let sum = f32x4.splat(0);
  // Two at a time share the loads of the polynomial's coefficients.
  for (let j: usize = 0; j < bytes; j += 32) {
    const p = probability(row + j, maximum);
    const q = probability(row + j + 16, maximum);
    v128.store(row + j, p);
    v128.store(row + j, q, 16);
    sum = f32x4.add(f32x4.add(sum, p), q);
  }
  addToSum(i, sum);
}

@inline
function probability(score: usize, maximum: v128): v128 {
  return expNonpositive4(f32x4.sub(v128.load(score), maximum));
}

/** The segment's maximum with these scores, in all lanes; what was summed before is scaled to it. */
@inline
function raise(i: usize, scores: v128): v128 {
  const before = load<f32>(segmentMaximum + i);
  const maximum = max(before, maximumOf(scores));
  const alpha = exp1(before - maximum);
  store<f32>(segmentMaximum + i, maximum);
  store<f32>(alphas + i, alpha);
  store<f32>(segmentSum + i, load<f32>(segmentSum + i) * alpha);
  return f32x4.splat(maximum);
}

@inline
function addToSum(i: usize, sum: v128): void {
  store<f32>(segmentSum + i, load<f32>(segmentSum + i) + sumOf(sum));
}

@inline
function maximumOf(v: v128): f32 {
  const a = max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1));
  return max(a, max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)));
}

@inline
function sumOf(v: v128): f32 {
  const a = f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1);
  return a + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** softCap * tanh(score / softCap) */
function capScores(row: usize, bytes: usize, softCap: f32): void {
  const cap = f32x4.splat(softCap);
  for (let j: usize = 0; j < bytes; j += 16) {
    v128.store(row + j, f32x4.mul(cap, tanh4(f32x4.div(v128.load(row + j), cap))));
  }
}
