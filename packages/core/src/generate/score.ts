/** How likely the model finds a given text: the log-probability of each token after the ones before it. */
import { MilletError } from "../errors.js";
import { contextFullError } from "./context-window.js";
import type { GenerationSite } from "./generation.js";
import { rowLogits } from "./position-logits.js";
import { integer } from "./resolve-options.js";
import type { ScoreResult } from "./result.js";
import { logprobsOf } from "./sampler.js";

/**
 * @param firstScored index of the first token to score, at least 1
 * @throws MilletError INVALID_ARGUMENT, CONTEXT_FULL, ABORTED and what the scheduler throws
 */
export async function score(
  site: GenerationSite,
  tokenIds: readonly number[],
  firstScored: number,
  signal: AbortSignal,
): Promise<ScoreResult> {
  const begin = performance.now();
  const { cache, scheduler, contextLength } = site;
  if (tokenIds.length < 2) {
    throw new MilletError("INVALID_ARGUMENT", "A text to score needs at least two tokens, BOS included.");
  }
  integer("firstScored", firstScored, 1, tokenIds.length - 1);
  const context = tokenIds.slice(0, -1); // what follows the last token is not asked
  if (context.length > contextLength) throw contextFullError(context.length, contextLength);
  const logprobs = new Float64Array(tokenIds.length - firstScored);
  const sequence = cache.open(context, firstScored - 1);
  const reused = sequence.tokens.length;
  const onLogits = (index: number, logits: Float32Array) => {
    const next = reused + index + 1;
    logprobs[next - firstScored] = logprobsOf(rowLogits(logits), tokenIds[next]!, 0)!.logprob;
  };
  try {
    const firstLogit = firstScored - 1 - reused;
    await scheduler.evaluate({ sequence, tokens: context.slice(reused), firstLogit, onLogits, signal });
  } finally {
    cache.close(sequence);
  }
  const mean = logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length;
  return {
    tokenIds,
    firstScored,
    logprobs,
    perplexity: Math.exp(-mean),
    elapsedMs: performance.now() - begin,
  };
}
