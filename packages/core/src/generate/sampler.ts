/**
 * Chooses the next token from a row of logits. Pure: the same logits, history, settings and index give the same
 * token on any machine. Order of the steps as in llama.cpp: bias, penalties, top-k, top-p, min-p, temperature, draw.
 */
import { MilletError } from "../errors.js";
import { bestToken, logSumExp, topTokens } from "./candidates.js";
import type { AppliedSampling } from "./options.js";
import { addBias, hasPenalties, penalize } from "./penalties.js";
import { uniform } from "./philox.js";
import type { TokenLogprobs } from "./result.js";

/** Candidates looked at first where top-k sets no limit, and by how much more each time they do not suffice. */
const FIRST_CANDIDATES = 128;
const MORE_CANDIDATES = 16;

/**
 * The next token.
 * @param logits of one position; not changed. [vocabulary]
 * @param history prompt and generated tokens, for the penalties
 * @param index how many tokens were generated before; each takes one random number
 * @throws MilletError BACKEND_FAILED if the logits are not numbers
 */
export function sampleToken(
  logits: Float32Array,
  history: readonly number[],
  settings: AppliedSampling,
  index: number,
): number {
  const changed = adjusted(logits, history, settings);
  const best = bestToken(changed);
  if (best === undefined || !Number.isFinite(changed[best]!)) throw badLogits(best);
  if (settings.temperature === 0 || settings.topK === 1) return best;
  const draw = uniform(settings.seed, index);
  const most = changed[best]!;
  const { topK, topP, minP } = settings;
  const unlimited = topP === 1 && minP === 0 && (topK === 0 || topK >= changed.length);
  if (unlimited) return drawFromAll(changed, most, settings.temperature, draw, best);
  return drawFrom(candidates(changed, most, settings), changed, settings.temperature, draw);
}

/**
 * The log-probability of a token and of the `count` most likely ones, in the distribution that the logits give.
 * @throws MilletError BACKEND_FAILED if the logits are not numbers
 */
export function logprobsOf(logits: Float32Array, id: number, count: number): TokenLogprobs {
  const best = bestToken(logits);
  if (best === undefined || !Number.isFinite(logits[best]!)) throw badLogits(best);
  const total = logSumExp(logits, logits[best]!);
  const top = Array.from(topTokens(logits, count), (other) => ({
    id: other,
    logprob: logits[other]! - total,
  }));
  return { id, logprob: logits[id]! - total, top };
}

function badLogits(best: number | undefined): MilletError {
  const what = best === undefined ? "no logit is a number above -Infinity" : "a logit is infinite";
  return new MilletError(
    "BACKEND_FAILED",
    `No token can be chosen: ${what}. The weights are damaged, the bias forbids every token, or a kernel is wrong.`,
  );
}

/** The logits after bias and penalties; the same array if there are none. */
function adjusted(logits: Float32Array, history: readonly number[], settings: AppliedSampling): Float32Array {
  const penalized = hasPenalties(settings);
  if (!penalized && settings.logitBias.size === 0) return logits;
  const copy = logits.slice();
  addBias(copy, settings.logitBias);
  if (penalized) penalize(copy, history, settings);
  return copy;
}

/** Tokens that top-k, top-p and min-p leave, best first; at least one. */
function candidates(logits: Float32Array, most: number, settings: AppliedSampling): Int32Array {
  const { topK, topP, minP } = settings;
  const leastLogit = minP === 0 ? Number.NEGATIVE_INFINITY : most + Math.log(minP);
  if (topK > 0 && topK < logits.length) {
    const top = topTokens(logits, topK);
    return top.subarray(0, cut(top, logits, most, topP * massOf(top, logits, most), leastLogit).length);
  }
  const wanted = topP === 1 ? Number.POSITIVE_INFINITY : topP * Math.exp(logSumExp(logits, most) - most);
  for (let count = FIRST_CANDIDATES; ; count *= MORE_CANDIDATES) {
    const top = topTokens(logits, count);
    const { length, complete } = cut(top, logits, most, wanted, leastLogit);
    if (complete || top.length < count) return top.subarray(0, length);
  }
}

/** Sum of exp(logit - most). */
function massOf(ids: Int32Array, logits: Float32Array, most: number): number {
  return ids.reduce((sum, id) => sum + Math.exp(logits[id]! - most), 0);
}

/** How many of the sorted `ids` to keep, and whether the limits were reached within them. */
function cut(
  ids: Int32Array,
  logits: Float32Array,
  most: number,
  wantedMass: number,
  leastLogit: number,
): { readonly length: number; readonly complete: boolean } {
  let mass = 0;
  for (let i = 0; i < ids.length; i++) {
    const logit = logits[ids[i]!]!;
    if (logit < leastLogit && i > 0) return { length: i, complete: true };
    mass += Math.exp(logit - most);
    if (mass >= wantedMass) return { length: i + 1, complete: true };
  }
  return { length: ids.length, complete: false };
}

/** Inverse transform over the sorted candidates. */
function drawFrom(ids: Int32Array, logits: Float32Array, temperature: number, draw: number): number {
  const most = logits[ids[0]!]!;
  const weights = Float64Array.from(ids, (id) => Math.exp((logits[id]! - most) / temperature));
  let rest = draw * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < ids.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return ids[i]!;
  }
  return ids[0]!; // rounding left a rest
}

/** Inverse transform over the whole vocabulary in order of ids, so that nothing needs sorting. */
function drawFromAll(
  logits: Float32Array,
  most: number,
  temperature: number,
  draw: number,
  best: number,
): number {
  const weight = (id: number) => {
    const logit = logits[id]!;
    return logit > Number.NEGATIVE_INFINITY ? Math.exp((logit - most) / temperature) : 0;
  };
  let total = 0;
  for (let id = 0; id < logits.length; id++) total += weight(id);
  let rest = draw * total;
  for (let id = 0; id < logits.length; id++) {
    rest -= weight(id);
    if (rest < 0) return id;
  }
  return best; // rounding left a rest
}
