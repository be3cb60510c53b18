/**
 * The choice of a token: top-k, top-p, min-p, temperature, draw, in llama.cpp's default order. Pure: the same
 * distribution, settings and draw give the same token on any machine.
 */
import type { Distribution, RankedTokens } from "./distribution.js";
import type { SamplerSettings } from "./settings.js";

/** Stands for a choice from logits of which none is finite, or the highest is not. */
export const NO_TOKEN = -1;

/** Candidates looked at first where top-k sets no limit, and by how much more each time they do not suffice. */
const FIRST_CANDIDATES = 128;
const MORE_CANDIDATES = 16;

/** Far above what the order of a sum of weights changes in float64. */
const ROUNDING = 1e-9;

type Ranked = Pick<RankedTokens, "ids" | "logits">;

/**
 * The next token.
 * @param distribution after bias and penalties
 * @param draw a uniform number in [0, 1)
 * @returns NO_TOKEN if there is none to choose; undefined if that takes more than the distribution knows
 */
export function chooseToken(
  distribution: Distribution,
  settings: SamplerSettings,
  draw: number,
): number | undefined {
  const first = distribution.top(1);
  const [best, most] = [first.ids[0], first.logits[0]];
  if (best === undefined || most === undefined) return first.complete ? NO_TOKEN : undefined;
  if (!Number.isFinite(most)) return NO_TOKEN;
  if (isGreedy(settings)) return best;
  const { temperature } = settings;
  if (isUnlimited(distribution, settings)) {
    return distribution.all && drawFromAll(distribution.all, most, temperature, draw, best);
  }
  const kept = keptTokens(distribution, most, settings);
  return kept ? drawFrom(kept, temperature, draw) : drawAmongKnown(distribution, most, settings, draw);
}

/** Whether the choice has limits and the distribution knows every token that some draw would choose. */
export function knowsAllChoices(distribution: Distribution, settings: SamplerSettings): boolean {
  const { logits, complete } = distribution.top(1);
  const most = logits[0];
  if (most === undefined || isGreedy(settings)) return complete;
  return !isUnlimited(distribution, settings) && keptTokens(distribution, most, settings) !== undefined;
}

function isGreedy({ temperature, topK }: SamplerSettings): boolean {
  return temperature === 0 || topK === 1;
}

/** Whether top-k leaves some tokens out. */
function hasTopK({ size }: Distribution, { topK }: SamplerSettings): boolean {
  return topK > 0 && topK < size;
}

function isUnlimited(distribution: Distribution, settings: SamplerSettings): boolean {
  return !hasTopK(distribution, settings) && settings.topP === 1 && settings.minP === 0;
}

/** What top-k, top-p and min-p leave, best first; at least one. Undefined if not all of it is known. */
function keptTokens(distribution: Distribution, most: number, settings: SamplerSettings): Ranked | undefined {
  const keep = hasTopK(distribution, settings) ? keepOfTopK : keepOfAll;
  return keep(distribution, most, settings);
}

/** What top-p and min-p leave of the k most likely tokens; at least one. */
function keepOfTopK(distribution: Distribution, most: number, settings: SamplerSettings): Ranked | undefined {
  const top = distribution.top(settings.topK);
  if (!top.complete) return undefined;
  const wanted = settings.topP * massOf(top, most);
  const count = cut(top, most, wanted, wanted, leastLogit(most, settings));
  return count === undefined ? undefined : first(top, count);
}

/** What top-p and min-p leave of all tokens; at least one. */
function keepOfAll(distribution: Distribution, most: number, settings: SamplerSettings): Ranked | undefined {
  const { enough, surely } = wantedMass(distribution, most, settings);
  const least = leastLogit(most, settings);
  for (let count = FIRST_CANDIDATES; ; count *= MORE_CANDIDATES) {
    const top = distribution.top(count);
    const kept = cut(top, most, enough, surely, least);
    if (kept === undefined) return undefined;
    if (kept <= top.ids.length) return first(top, kept);
    if (!top.complete) return undefined;
    if (top.ids.length < count) return top;
  }
}

/** Mass that top-p asks for, with exp(logit - most) as a token's, between what is perhaps enough and what surely is. */
function wantedMass(
  distribution: Distribution,
  most: number,
  { topP }: SamplerSettings,
): { readonly enough: number; readonly surely: number } {
  if (topP === 1) return { enough: Number.POSITIVE_INFINITY, surely: Number.POSITIVE_INFINITY };
  const { logSum, error } = distribution.total();
  return { enough: topP * Math.exp(logSum - error - most), surely: topP * Math.exp(logSum + error - most) };
}

function massOf({ logits }: Ranked, most: number): number {
  return logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
}

function leastLogit(most: number, { minP }: SamplerSettings): number {
  return minP === 0 ? Number.NEGATIVE_INFINITY : most + Math.log(minP);
}

/**
 * How many of the ranked tokens to keep: until their mass reaches the wanted one, or the next is too unlikely. More than
 * there are if all of them stay below the limits. Undefined if the mass ends up between `enough` and `surely`: the wanted
 * one is known no better than that.
 */
function cut(
  { ids, logits }: Ranked,
  most: number,
  enough: number,
  surely: number,
  least: number,
): number | undefined {
  let mass = 0;
  for (let i = 0; i < ids.length; i++) {
    const logit = logits[i]!;
    if (logit < least && i > 0) return i;
    mass += Math.exp(logit - most);
    if (mass >= surely) return i + 1;
    if (mass >= enough) return undefined;
  }
  return ids.length + 1;
}

function first({ ids, logits }: Ranked, count: number): Ranked {
  return { ids: ids.subarray(0, count), logits: logits.subarray(0, count) };
}

/** Inverse transform over the ranked tokens. */
function drawFrom({ ids, logits }: Ranked, temperature: number, draw: number): number {
  const most = logits[0]!;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
  let rest = draw * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < ids.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return ids[i]!;
  }
  return ids[0]!; // rounding left a rest
}

/**
 * A draw from more tokens than are known, if it surely falls on a known one: the others together have at most the rest of
 * the wanted mass, so the sum of all weights lies between two bounds. Undefined if the bounds give different tokens.
 */
function drawAmongKnown(
  distribution: Distribution,
  most: number,
  settings: SamplerSettings,
  draw: number,
): number | undefined {
  const { temperature, topP } = settings;
  const { enough } = wantedMass(distribution, most, settings);
  const known = distribution.top(distribution.size);
  const last = known.logits.at(-1);
  if (hasTopK(distribution, settings) || last === undefined) return undefined;
  if (temperature > 1) return undefined; // many unlikely tokens would weigh too much
  const mass = massOf(known, most);
  if (mass >= enough) return undefined; // not all of them are kept
  const weights = Array.from(known.logits, (logit) => Math.exp((logit - most) / temperature));
  const weight = weights.reduce((sum, one) => sum + one, 0);
  // Each of the others has at most the mass of the last known, and so has what goes beyond the wanted mass.
  const { logSum, error } = distribution.total();
  const lastMass = Math.exp(last - most);
  const restMass = Math.max(0, topP * Math.exp(logSum + error - most) + lastMass - mass);
  const restWeight = restMass * lastMass ** (1 / temperature - 1);
  const [low, high] = [draw * weight * (1 - ROUNDING), draw * (weight + restWeight) * (1 + ROUNDING)];
  let sum = 0;
  for (const [i, one] of weights.entries()) {
    sum += one;
    if (low < sum) return high < sum ? known.ids[i] : undefined;
  }
  return undefined;
}

/** Inverse transform over the whole vocabulary in order of ids, so that nothing needs sorting. */
function drawFromAll(
  logits: Float32Array,
  most: number,
  temperature: number,
  draw: number,
  best: number,
): number {
  const weight = (id: number) => {
    const logit = logits[id]!;
    return logit > Number.NEGATIVE_INFINITY ? Math.exp((logit - most) / temperature) : 0;
  };
  let total = 0;
  for (let id = 0; id < logits.length; id++) total += weight(id);
  let rest = draw * total;
  for (let id = 0; id < logits.length; id++) {
    rest -= weight(id);
    if (rest < 0) return id;
  }
  return best; // rounding left a rest
}
