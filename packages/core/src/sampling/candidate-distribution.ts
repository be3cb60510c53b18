/**
 * A distribution made of candidates. Of tokens that are neither among them nor in the history it knows only that none ranks
 * before the last candidate: their logits are what they were, whatever the penalties.
 */
import type { Candidates } from "./candidates.js";
import { type Distribution, rowDistribution } from "./distribution.js";
import { countRecent, hasPenalties, penalized, penalizedLogit } from "./penalties.js";
import type { SamplerSettings } from "./settings.js";

/**
 * How far a device's log-sum-exp may be off, as a fraction of it where it is above 1: twice what the conformance suite
 * lets pass.
 */
const LOG_SUM_ERROR = 2e-5;

/**
 * @param history what the candidates' history logits belong to, the most recent last. [H]
 * @param size of the vocabulary
 * @param settings whose penalties to apply, as the device did; without them the logits are as they were
 */
export function candidateDistribution(
  candidates: Candidates,
  history: ArrayLike<number>,
  size: number,
  settings?: SamplerSettings,
): Distribution {
  const { count, ids, logSum, penalizedLogSum } = candidates;
  if (count < ids.length) return completeDistribution(candidates, history, size, settings);
  const known = knownLogits(candidates, history);
  const isPenalized = settings !== undefined && hasPenalties(settings);
  if (isPenalized) penalizeKnown(known, history, settings);
  const ranked = rankedBefore(known, candidates);
  const total = isPenalized ? penalizedLogSum : logSum;
  return {
    size,
    top: (wanted) => {
      const top = ranked.slice(0, wanted);
      return {
        ids: Int32Array.from(top, ([id]) => id),
        logits: Float32Array.from(top, ([, logit]) => logit),
        complete: ranked.length >= wanted,
      };
    },
    total: () => ({ logSum: total, error: LOG_SUM_ERROR * Math.max(1, Math.abs(total)) }),
    logitOf: (id) => known.get(id),
    all: undefined,
  };
}

/** There are no more tokens than candidates: all is known. */
function completeDistribution(
  { count, ids, logits }: Candidates,
  history: ArrayLike<number>,
  size: number,
  settings: SamplerSettings | undefined,
): Distribution {
  const row = new Float32Array(size).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < count; i++) row[ids[i]!] = logits[i]!;
  return rowDistribution(settings === undefined ? row : penalized(row, history, settings));
}

/** Logits as they are, by id. */
function knownLogits(
  { count, ids, logits, historyLogits }: Candidates,
  history: ArrayLike<number>,
): Map<number, number> {
  const known = new Map<number, number>();
  for (let i = 0; i < history.length; i++) known.set(history[i]!, historyLogits[i]!);
  for (let i = 0; i < count; i++) known.set(ids[i]!, logits[i]!);
  return known;
}

function penalizeKnown(
  known: Map<number, number>,
  history: ArrayLike<number>,
  settings: SamplerSettings,
): void {
  for (const [id, occurrences] of countRecent(history, settings.penaltyTokens)) {
    known.set(id, penalizedLogit(known.get(id)!, occurrences, settings));
  }
}

type Ranked = readonly [id: number, logit: number];

/** The known tokens that no unknown one can precede, best first. */
function rankedBefore(
  known: ReadonlyMap<number, number>,
  { count, ids, logits }: Candidates,
): readonly Ranked[] {
  const last: Ranked = [ids[count - 1]!, logits[count - 1]!];
  return [...known]
    .filter((token) => token[1] > Number.NEGATIVE_INFINITY && compare(token, last) <= 0)
    .sort(compare);
}

/** Higher logits first, of equal ones the lower id. */
function compare([a, x]: Ranked, [b, y]: Ranked): number {
  return y - x || a - b;
}
