/**
 * Chooses the next token from a row of logits, and tells how likely tokens are. Pure: the same logits, history, settings
 * and index give the same token on any machine. Order of the steps as in llama.cpp: bias, penalties, then those of
 * sampling/choose.ts.
 */
import { MilletError } from "../errors.js";
import { chooseToken, NO_TOKEN } from "../sampling/choose.js";
import { rowDistribution } from "../sampling/distribution.js";
import { penalized } from "../sampling/penalties.js";
import { logSumExp, topTokens } from "../sampling/top-tokens.js";
import type { AppliedSampling } from "./options.js";
import { uniform } from "./philox.js";
import type { TokenLogprobs } from "./result.js";

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
  const changed = penalized(biased(logits, settings.logitBias), history, settings);
  const id = chooseToken(rowDistribution(changed), settings, uniform(settings.seed, index)) ?? NO_TOKEN;
  if (id === NO_TOKEN) throw badLogits();
  return id;
}

/**
 * The log-probability of a token and of the `count` most likely ones, in the distribution that the logits give.
 * @throws MilletError BACKEND_FAILED if the logits are not numbers
 */
export function logprobsOf(logits: Float32Array, id: number, count: number): TokenLogprobs {
  const total = logSumExp(logits);
  if (!Number.isFinite(total)) throw badLogits();
  const top = Array.from(topTokens(logits, count), (other) => ({
    id: other,
    logprob: logits[other]! - total,
  }));
  return { id, logprob: logits[id]! - total, top };
}

/** The logits with each bias added; the same array if there is none. Ids outside the vocabulary were refused before. */
function biased(logits: Float32Array, bias: ReadonlyMap<number, number>): Float32Array {
  if (bias.size === 0) return logits;
  const copy = logits.slice();
  for (const [id, value] of bias) copy[id]! += value;
  return copy;
}

function badLogits(): MilletError {
  return new MilletError(
    "BACKEND_FAILED",
    "No token can be chosen: no logit is a number above -Infinity, or one is infinite. The weights are damaged, the " +
      "bias forbids every token, or a kernel is wrong.",
  );
}
