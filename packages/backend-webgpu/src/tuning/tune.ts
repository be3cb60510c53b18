/** The tuning run: sites one after the other while time is left, the most important first. Knows no GPU. */
import { throwIfAborted } from "@millet/core/errors";
import { fastest } from "./fastest.js";

/** A site whose candidates are to be compared. */
export interface Contest {
  readonly site: string;
  /** Names, the default first. */
  readonly candidates: readonly string[];
  /** Makes the candidates ready. @returns indices of those that can run, the default's among them */
  prepare(): Promise<readonly number[]>;
  /** Times of the given candidates, one after the other. */
  sample(candidates: readonly number[]): Promise<readonly number[]>;
  /** Whether a candidate computes what the default does. */
  agrees(candidate: number): Promise<boolean>;
}

export interface Decision {
  readonly candidate: string;
  /** How many times as fast as the default it was. */
  readonly gain: number;
}

export interface TuningResult {
  readonly decisions: ReadonlyMap<string, Decision>;
  /** Sites that no time was left for. */
  readonly leftOut: readonly string[];
  /** Candidates that would have won but computed something else; full sentences. */
  readonly problems: readonly string[];
}

export interface TuningLimits {
  readonly budgetMs: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** @throws MilletError ABORTED; what contests throw */
export async function tune(
  contests: readonly Contest[],
  { budgetMs, now, signal }: TuningLimits,
): Promise<TuningResult> {
  const begin = now();
  const decisions = new Map<string, Decision>();
  const leftOut: string[] = [];
  const problems: string[] = [];
  for (const contest of contests) {
    throwIfAborted(signal, "Tuning the model's kernels");
    if (now() - begin >= budgetMs) leftOut.push(contest.site);
    else decisions.set(contest.site, await decide(contest, problems));
  }
  return { decisions, leftOut, problems };
}

async function decide(contest: Contest, problems: string[]): Promise<Decision> {
  const { site, candidates } = contest;
  const ready = await contest.prepare();
  const ranking = await fastest(ready.length, (list) => contest.sample(list.map((i) => ready[i]!)));
  const winner = ready[ranking.winner]!;
  if (winner === 0 || (await contest.agrees(winner)))
    return { candidate: candidates[winner]!, gain: ranking.gain };
  problems.push(
    `For ${site} the kernel ${candidates[winner]} is fast on this device but computes something else than ` +
      `${candidates[0]}, which is used.`,
  );
  return { candidate: candidates[0]!, gain: 1 };
}
