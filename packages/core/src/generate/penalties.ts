/** Changes of logits before any choice: bias, and penalties on recent tokens. All in place. */
import type { AppliedSampling } from "./options.js";

export type PenaltySettings = Pick<
  AppliedSampling,
  "repetitionPenalty" | "frequencyPenalty" | "presencePenalty" | "penaltyTokens"
>;

/** Adds each bias to its token's logit. Ids outside the vocabulary were refused before. */
export function addBias(logits: Float32Array, bias: ReadonlyMap<number, number>): void {
  for (const [id, value] of bias) logits[id]! += value;
}

/** Whether the settings change anything. */
export function hasPenalties(settings: PenaltySettings): boolean {
  const { repetitionPenalty, frequencyPenalty, presencePenalty, penaltyTokens } = settings;
  return penaltyTokens > 0 && (repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0);
}

/**
 * Penalizes the tokens among the last `penaltyTokens` of `history`: a positive logit is divided by the repetition
 * penalty and a negative one multiplied (Keskar et al. 2019, arXiv 1909.05858); then the frequency penalty times
 * the number of occurrences and the presence penalty are subtracted.
 */
export function penalize(logits: Float32Array, history: readonly number[], settings: PenaltySettings): void {
  for (const [id, occurrences] of countRecent(history, settings.penaltyTokens)) {
    const logit = logits[id];
    if (logit === undefined) continue; // a prompt of ids may hold padding beyond the vocabulary's logits
    const repeated = logit > 0 ? logit / settings.repetitionPenalty : logit * settings.repetitionPenalty;
    logits[id] = repeated - occurrences * settings.frequencyPenalty - settings.presencePenalty;
  }
}

function countRecent(history: readonly number[], count: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (let i = Math.max(0, history.length - count); i < history.length; i++) {
    counts.set(history[i]!, (counts.get(history[i]!) ?? 0) + 1);
  }
  return counts;
}
