/** What is known of the logits at one position, from a whole row of them or from a device's candidates. */
import { candidateDistribution } from "../sampling/candidate-distribution.js";
import type { Candidates } from "../sampling/candidates.js";
import { type Distribution, rowDistribution } from "../sampling/distribution.js";
import { hasPenalties, penalized } from "../sampling/penalties.js";
import type { AppliedSampling } from "./options.js";

export interface PositionLogits {
  /** The model's own distribution. */
  readonly own: Distribution;
  /** After bias and penalties; undefined if that takes more than is known. @param history prompt and text */
  changed(history: readonly number[], settings: AppliedSampling): Distribution | undefined;
}

/** @param logits not changed. [vocabulary] */
export function rowLogits(logits: Float32Array): PositionLogits {
  return {
    own: rowDistribution(logits),
    changed: (history, settings) =>
      rowDistribution(penalized(biased(logits, settings.logitBias), history, settings)),
  };
}

/**
 * @param history what the device knew of the text, the most recent last, -1 for none. [H]
 * @param vocabulary number of tokens
 */
export function candidateLogits(
  candidates: Candidates,
  history: Int32Array,
  vocabulary: number,
): PositionLogits {
  return {
    own: candidateDistribution(candidates, history, vocabulary),
    changed: (_, settings) =>
      settings.logitBias.size > 0 || !coversPenalties(settings, history.length)
        ? undefined
        : candidateDistribution(candidates, history, vocabulary, settings),
  };
}

/** Whether the penalties count no more tokens than a history has. */
export function coversPenalties(settings: AppliedSampling, history: number): boolean {
  return !hasPenalties(settings) || settings.penaltyTokens <= history;
}

/** The last `length` tokens of a text, -1 in front where it is shorter. */
export function recentTokens(text: readonly number[], length: number): Int32Array {
  const recent = new Int32Array(length).fill(-1);
  const last = text.slice(Math.max(0, text.length - length));
  recent.set(last, length - last.length);
  return recent;
}

/** The logits with each bias added; the same array if there is none. Ids outside the vocabulary were refused before. */
function biased(logits: Float32Array, bias: ReadonlyMap<number, number>): Float32Array {
  if (bias.size === 0) return logits;
  const copy = logits.slice();
  for (const [id, value] of bias) copy[id]! += value;
  return copy;
}
