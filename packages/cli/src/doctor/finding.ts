/** One line of `millet doctor`. */

/** "limited": it works, and something would make it better. */
export type Verdict = "ok" | "limited" | "bad";

export interface Finding {
  readonly area: string;
  readonly verdict: Verdict;
  readonly text: string;
}
