/** Penalties on recent tokens, as changes of their logits before any choice. */
import type { SamplerSettings } from "./settings.js";

/** Whether the settings change anything. */
export function hasPenalties(settings: SamplerSettings): boolean {
  const { repetitionPenalty, frequencyPenalty, presencePenalty, penaltyTokens } = settings;
  return penaltyTokens > 0 && (repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0);
}

/**
 * The logit of a recent token: a positive one is divided by the repetition penalty and a negative one multiplied
 * (Keskar et al. 2019, arXiv 1909.05858); then the frequency penalty times the number of occurrences and the presence
 * penalty are subtracted. Rounded to f32 at the end.
 */
export function penalizedLogit(logit: number, occurrences: number, settings: SamplerSettings): number {
  const { repetitionPenalty, frequencyPenalty, presencePenalty } = settings;
  const repeated = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
  return Math.fround(repeated - occurrences * frequencyPenalty - presencePenalty);
}

/** The logits with the tokens among the last `penaltyTokens` of `history` penalized; a copy if that changes any. */
export function penalized(
  logits: Float32Array,
  history: ArrayLike<number>,
  settings: SamplerSettings,
): Float32Array {
  if (!hasPenalties(settings)) return logits;
  const copy = logits.slice();
  for (const [id, occurrences] of countRecent(history, settings.penaltyTokens)) {
    const logit = logits[id];
    if (logit === undefined) continue; // a prompt of ids may hold padding beyond the vocabulary's logits
    copy[id] = penalizedLogit(logit, occurrences, settings);
  }
  return copy;
}

/** How often each id is among the last `count`. */
export function countRecent(history: ArrayLike<number>, count: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (let i = Math.max(0, history.length - count); i < history.length; i++) {
    counts.set(history[i]!, (counts.get(history[i]!) ?? 0) + 1);
  }
  return counts;
}
