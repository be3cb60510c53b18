/**
 * Which of several candidates is fastest, by samples that noise disturbs: candidates take turns, so that what slows the
 * machine down slows all of them, and a challenger must win clearly, so that equals do not change places from run to run.
 */

/** Rounds that count, after one that warms up. */
const ROUNDS = 5;
/** The median of a challenger's times by the champion's in the same round must be below this, */
const MARGIN = 0.95;
/** What takes so many times as long as the default in the first round is out. */
const HOPELESS = 1.5;

export interface Ranking {
  /** Index of the fastest candidate; 0, the default, unless another is clearly faster. */
  readonly winner: number;
  /** How many times as fast as the default it is, by medians. */
  readonly gain: number;
}

/**
 * @param count of candidates; the default is number 0
 * @param sample times of the given candidates, one after the other
 */
export async function fastest(
  count: number,
  sample: (candidates: readonly number[]) => Promise<readonly number[]>,
): Promise<Ranking> {
  let alive = [...Array(count).keys()];
  await sample(alive);
  const times = alive.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    const taken = await sample(alive);
    alive.forEach((candidate, i) => times[candidate]!.push(taken[i]!));
    if (round === 0) alive = alive.filter((candidate) => times[candidate]![0]! <= HOPELESS * times[0]![0]!);
  }
  let winner = 0;
  for (const challenger of alive) if (beats(times[challenger]!, times[winner]!)) winner = challenger;
  return { winner, gain: median(times[0]!) / median(times[winner]!) };
}

/** and by so much below 1 as the middle half of these quotients is wide, with no more than one round lost. */
function beats(challenger: readonly number[], champion: readonly number[]): boolean {
  const quotients = challenger.map((time, round) => time / champion[round]!).toSorted((a, b) => a - b);
  const [low, middle, high] = [quotients.at(1)!, median(quotients), quotients.at(-2)!];
  return middle < MARGIN && middle < 1 - (high - low) && high < 1;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
