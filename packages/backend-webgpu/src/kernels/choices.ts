/**
 * Places where several kernels would do, and which one serves. A site is named by all that decides how fast they are
 * (formats, shapes, rows), so that equal products of all layers and models share one choice.
 */
import type { Dispatch } from "../program/dispatch.js";

export interface Choice {
  /** Name of the candidate. */
  readonly candidate: string;
  /** By the load at hand, or by an earlier one. */
  readonly source: "measured" | "remembered";
  /** How many times as fast as the default it was. */
  readonly gain: number;
}

/** By the names of sites. */
export type Choices = Pick<ReadonlyMap<string, Choice>, "get">;

export const NO_CHOICES: Choices = new Map();

/** The same candidate at every site that has it. */
export function everySite(candidate: string): Choices {
  return { get: () => ({ candidate, source: "measured", gain: 1 }) };
}

/** The candidate chosen for a site; the first one, the default, if none was or there is no such candidate. */
export function chosen<T extends { readonly name: string }>(
  site: string,
  candidates: readonly T[],
  choices: Choices,
): T {
  const name = choices.get(site)?.candidate;
  return candidates.find((candidate) => candidate.name === name) ?? candidates[0]!;
}

/** Notes in dispatches which candidate they are, for prints and for tuning. */
export function markChoice<T extends { readonly name: string }>(
  dispatches: readonly Dispatch[],
  site: string,
  candidates: readonly T[],
  used: T,
  choices: Choices,
): Dispatch[] {
  if (candidates.length < 2) return [...dispatches];
  const known = choices.get(site);
  const source = known?.candidate === used.name ? known.source : "default";
  const choice = {
    site,
    candidate: used.name,
    candidates: candidates.map(({ name }) => name),
    source,
  } as const;
  return dispatches.map((dispatch) => ({ ...dispatch, choice }));
}
