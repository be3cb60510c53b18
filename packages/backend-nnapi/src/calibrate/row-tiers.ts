/**
 * Ranges of one value while it is observed. Rows are kept apart by the size of their largest element, in steps of half an
 * octave, so that a few massive rows can be told from the usual ones in the end without seeing the text twice.
 */
import type { ActivationRange } from "./scales.js";

/** Rows up to so many steps (1.4 times) above the 99th percentile of rows are usual. */
const STEPS_ABOVE = 1;
const PERCENTILE = 0.99;
const DIGITS = 3;

interface Tier {
  rows: number;
  readonly low: Float32Array;
  readonly high: Float32Array;
  readonly squares: Float64Array;
}

export class RowTiers {
  readonly #columns: number;
  readonly #tiers = new Map<number, Tier>();

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** @param rows f32[rows, columns] @returns false if one of them is not finite; nothing of that row is kept */
  add(rows: Float32Array): boolean {
    for (let at = 0; at < rows.length; at += this.#columns) {
      if (!this.#addRow(rows.subarray(at, at + this.#columns))) return false;
    }
    return true;
  }

  #addRow(row: Float32Array): boolean {
    let most = 0;
    let sum = 0;
    for (const x of row) {
      most = Math.max(most, Math.abs(x));
      sum += x * 0;
    }
    if (sum !== 0) return false; // a NaN or an infinity makes it NaN
    const tier = this.#tier(most === 0 ? Number.NEGATIVE_INFINITY : Math.floor(2 * Math.log2(most)));
    const { low, high, squares } = tier;
    tier.rows++;
    for (let i = 0; i < row.length; i++) {
      const x = row[i]!;
      if (x < low[i]!) low[i] = x;
      if (x > high[i]!) high[i] = x;
      squares[i]! += x * x;
    }
    return true;
  }

  #tier(step: number): Tier {
    const known = this.#tiers.get(step);
    if (known) return known;
    const tier = {
      rows: 0,
      low: new Float32Array(this.#columns).fill(Number.POSITIVE_INFINITY),
      high: new Float32Array(this.#columns).fill(Number.NEGATIVE_INFINITY),
      squares: new Float64Array(this.#columns),
    };
    this.#tiers.set(step, tier);
    return tier;
  }

  /** At least one row must have been added. */
  range(): ActivationRange {
    const steps = [...this.#tiers.keys()].sort((a, b) => a - b);
    const most = percentile(steps, this.#tiers) + STEPS_ABOVE;
    const all = steps.map((step) => this.#tiers.get(step)!);
    const usual = steps.filter((step) => step <= most).map((step) => this.#tiers.get(step)!);
    const rows = usual.reduce((sum, tier) => sum + tier.rows, 0);
    const power = Array.from({ length: this.#columns }, (_, i) =>
      short(usual.reduce((sum, tier) => sum + tier.squares[i]!, 0) / rows),
    );
    const ranges = { usual: { ...this.#ends(usual), power } };
    return usual.length === all.length ? ranges : { ...ranges, all: this.#ends(all) };
  }

  #ends(tiers: readonly Tier[]): { low: number[]; high: number[] } {
    const ends = (of: (tier: Tier) => Float32Array, choose: (a: number, b: number) => number) =>
      Array.from({ length: this.#columns }, (_, i) =>
        short(tiers.map((t) => of(t)[i]!).reduce((a, b) => choose(a, b))),
      );
    return { low: ends((tier) => tier.low, Math.min), high: ends((tier) => tier.high, Math.max) };
  }
}

/** The step below or at which so large a share of the rows is. */
function percentile(steps: readonly number[], tiers: ReadonlyMap<number, Tier>): number {
  const total = steps.reduce((sum, step) => sum + tiers.get(step)!.rows, 0);
  let seen = 0;
  return steps.find((step) => (seen += tiers.get(step)!.rows) >= PERCENTILE * total) ?? steps[0]!;
}

/** Ranges need no more digits, and the file is read by people too. */
function short(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
