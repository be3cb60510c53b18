/**
 * What a device sends of a row of logits, packed into float32 numbers: K candidates and what else the choice of a token
 * and its log-probability need. Layout: logSum, penalizedLogSum, count, token, ids[K], logits[K], historyLogits[H].
 */

/** Numbers in front of the ids. */
export const CANDIDATES_HEADER = 4;

/** A vocabulary whose ids are exact in float32. */
export const MOST_TOKENS = 2 ** 24;

export interface Candidates {
  /** log(sum(exp(logits))) of the row as it is. */
  readonly logSum: number;
  /** The same after penalties. */
  readonly penalizedLogSum: number;
  /** How many of the K places are filled; fewer than K if there are no more tokens. */
  readonly count: number;
  /** The device's choice, NO_TOKEN if there is none. */
  readonly token: number;
  /** Tokens with the highest logits, best first, of equal ones the lower id first; -1 where there is none. [K] */
  readonly ids: ArrayLike<number>;
  /** Their logits as they are; -Infinity where there is none. [K] */
  readonly logits: ArrayLike<number>;
  /** Logit of each entry of the history; -Infinity if it is no token of the row, or the logit is not a number. [H] */
  readonly historyLogits: ArrayLike<number>;
}

/** Length of a packed row. */
export function candidatesLength(candidates: number, history: number): number {
  return CANDIDATES_HEADER + 2 * candidates + history;
}

/** Fills a packed row. [candidatesLength] */
export function packCandidates(row: Float32Array, candidates: Candidates): void {
  const { logSum, penalizedLogSum, count, token, ids, logits, historyLogits } = candidates;
  row.set([logSum, penalizedLogSum, count, token]);
  row.set(ids, CANDIDATES_HEADER);
  row.set(logits, CANDIDATES_HEADER + ids.length);
  row.set(historyLogits, CANDIDATES_HEADER + 2 * ids.length);
}

/** Reads a packed row. @param history H */
export function unpackCandidates(row: Float32Array, history: number): Candidates {
  const places = (row.length - CANDIDATES_HEADER - history) / 2;
  const [logSum, penalizedLogSum, count, token] = row;
  return {
    logSum: logSum!,
    penalizedLogSum: penalizedLogSum!,
    count: count!,
    token: token!,
    ids: row.subarray(CANDIDATES_HEADER, CANDIDATES_HEADER + places),
    logits: row.subarray(CANDIDATES_HEADER + places, CANDIDATES_HEADER + 2 * places),
    historyLogits: row.subarray(CANDIDATES_HEADER + 2 * places),
  };
}
