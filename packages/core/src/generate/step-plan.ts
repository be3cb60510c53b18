/** Decides which rows of which pending evaluations the next call computes. Pure. */

/** What an evaluation still has to compute. */
export interface PendingRows {
  /** Tokens left, at least 1. */
  readonly tokens: number;
  /** How many of these, counted from the last, need logits. */
  readonly logits: number;
}

/** Sizes of a step's graph. */
export interface StepLimits {
  readonly tokens: number;
  readonly logits: number;
  readonly sequences: number;
}

/** The next `tokens` rows of a pending evaluation; the last `logits` of them give logits. */
export interface StepPart<Work extends PendingRows> {
  readonly work: Work;
  readonly tokens: number;
  readonly logits: number;
}

/**
 * One row for every evaluation that needs just one (a decode step), so that a long prompt delays nobody by more than
 * a call; the remaining rows go to the others in order of arrival.
 */
export function planStep<Work extends PendingRows>(
  pending: readonly Work[],
  limits: StepLimits,
): readonly StepPart<Work>[] {
  const decoding = pending.filter(({ tokens }) => tokens === 1);
  const prefilling = pending.filter(({ tokens }) => tokens > 1);
  const parts: StepPart<Work>[] = [];
  let { tokens, logits } = limits;
  for (const work of [...decoding, ...prefilling]) {
    if (parts.length === limits.sequences) break;
    const part = partOf(work, tokens, logits);
    if (part.tokens === 0) continue;
    parts.push(part);
    tokens -= part.tokens;
    logits -= part.logits;
  }
  return parts;
}

/** As many rows as fit. */
function partOf<Work extends PendingRows>(work: Work, tokens: number, logits: number): StepPart<Work> {
  const silent = work.tokens - work.logits; // rows before the first that gives logits
  const rows = Math.min(work.tokens, tokens, silent + logits);
  return { work, tokens: rows, logits: Math.max(0, rows - silent) };
}
