/** The choice of one token of a generation, with the log-probabilities that were asked for. */
import type { PositionLogits } from "./position-logits.js";
import type { ResolvedOptions } from "./resolve-options.js";
import type { TokenLogprobs } from "./result.js";
import { logprobsOf, sampleToken } from "./sampler.js";

export interface Choice {
  readonly id: number;
  /** Undefined unless asked for. */
  readonly logprobs: TokenLogprobs | undefined;
}

/**
 * Undefined if it takes more than is known of the logits.
 * @param history prompt and text
 * @param index how many tokens were generated before
 * @throws MilletError BACKEND_FAILED if the logits are not numbers
 */
export function makeChoice(
  logits: PositionLogits,
  history: readonly number[],
  { sampling, logprobs: count }: ResolvedOptions,
  index: number,
): Choice | undefined {
  const id = sampleToken(logits, history, sampling, index);
  if (id === undefined) return undefined;
  if (count === undefined) return { id, logprobs: undefined };
  const logprobs = logprobsOf(logits, id, count);
  return logprobs && { id, logprobs };
}
