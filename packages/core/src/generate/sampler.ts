/**
 * Chooses the next token, and tells how likely tokens are. Pure: the same logits, history, settings and index give the
 * same token on any machine, whether the logits are known as a row or as candidates that suffice. Order of the steps as in
 * llama.cpp: bias, penalties, then those of sampling/choose.ts.
 */
import { MilletError } from "../errors.js";
import { chooseToken, NO_TOKEN } from "../sampling/choose.js";
import type { AppliedSampling } from "./options.js";
import { uniform } from "./philox.js";
import type { PositionLogits } from "./position-logits.js";
import type { TokenLogprobs } from "./result.js";

/**
 * The next token; undefined if that takes more than is known of the logits.
 * @param history prompt and generated tokens, for the penalties
 * @param index how many tokens were generated before; each takes one random number
 * @throws MilletError BACKEND_FAILED if the logits are not numbers
 */
export function sampleToken(
  logits: PositionLogits,
  history: readonly number[],
  settings: AppliedSampling,
  index: number,
): number | undefined {
  const changed = logits.changed(history, settings);
  const id = changed && chooseToken(changed, settings, uniform(settings.seed, index));
  if (id === NO_TOKEN) throw badLogits();
  return id;
}

/**
 * The log-probability of a token and of the `count` most likely ones, in the model's own distribution; undefined if that
 * takes more than is known of the logits.
 * @throws MilletError BACKEND_FAILED if the logits are not numbers
 */
export function logprobsOf(logits: PositionLogits, id: number, count: number): TokenLogprobs | undefined {
  const { logSum } = logits.own.total();
  if (!Number.isFinite(logSum)) throw badLogits();
  const logit = logits.own.logitOf(id);
  const best = logits.own.top(count);
  if (logit === undefined || !best.complete) return undefined;
  const top = Array.from(best.ids, (other, i) => ({ id: other, logprob: best.logits[i]! - logSum }));
  return { id, logprob: logit - logSum, top };
}

function badLogits(): MilletError {
  return new MilletError(
    "BACKEND_FAILED",
    "No token can be chosen: no logit is a number above -Infinity, or one is infinite. The weights are damaged, the " +
      "bias forbids every token, or a kernel is wrong.",
  );
}
