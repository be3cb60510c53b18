/**
 * Scales that round a run of values with little squared error: a few candidates around the obvious scale, each followed
 * by least squares. The search of our encoders for the K- and IQ-types; GGML's weighs values and tries other candidates.
 */

/** Integers that a code stands for, in ascending order. */
export interface Levels {
  readonly values: Int8Array;
  /** Code of the level nearest to `x`. */
  nearest(x: number): number;
}

/** The value of largest magnitude, with its sign; the first one of several. */
export function extreme(values: ArrayLike<number>, start: number, count: number): number {
  let found = 0;
  for (let i = start; i < start + count; i++) {
    if (Math.abs(values[i]!) > Math.abs(found)) found = values[i]!;
  }
  return found;
}

/** The integers that `bits` bits in two's complement hold. */
export function integerLevels(bits: number): Levels {
  const offset = 2 ** (bits - 1);
  const last = 2 * offset - 1;
  return {
    values: Int8Array.from({ length: 2 * offset }, (_, code) => code - offset),
    nearest: (x) => clampRound(x + offset, last),
  };
}

/** `x` rounded to nearest within 0..last. */
export function clampRound(x: number, last: number): number {
  return x <= 0 ? 0 : x >= last ? last : (x + 0.5) | 0;
}

/** Candidates on either side of the scale that maps the extreme value to the lowest level. */
const CANDIDATES = 5;
/** Their distance, in parts of the lowest level's distance to its neighbour (a level, where all are 1 apart). */
const SPACING = 0.2;

/**
 * The scale for value = scale * level, of either sign: the extreme value comes near to the lowest level, which for
 * integers in two's complement is the largest in magnitude.
 * @param count values from `start` on
 */
export function fitScale(values: Float32Array, start: number, count: number, levels: Levels): number {
  const peak = extreme(values, start, count);
  if (peak === 0) return 0;
  const [lowest, second] = [levels.values[0]!, levels.values[1]!];
  let best = 0;
  let bestGain = 0;
  for (let step = -CANDIDATES; step <= CANDIDATES; step++) {
    const inverse = (lowest + step * SPACING * (second - lowest)) / peak;
    let valueLevel = 0;
    let levelLevel = 0;
    for (let i = start; i < start + count; i++) {
      const level = levels.values[levels.nearest(values[i]! * inverse)]!;
      valueLevel += values[i]! * level;
      levelLevel += level * level;
    }
    // With the best scale for these levels, the squared error is that of all zeros less this.
    const gain = valueLevel ** 2 / levelLevel;
    if (gain > bestGain) {
      bestGain = gain;
      best = valueLevel / levelLevel;
    }
  }
  return best;
}

export interface Affine {
  scale: number;
  /** What is subtracted: never negative. */
  minimum: number;
}

/**
 * Scale and minimum for value = scale * q - minimum with q in 0..last.
 * @param count values from `start` on
 * @param found receives the result
 */
export function fitAffine(
  values: Float32Array,
  start: number,
  count: number,
  last: number,
  found: Affine,
): void {
  let low = 0;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = start; i < start + count; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  found.scale = 0;
  found.minimum = -low;
  if (!(high > low)) return;
  let least = Number.POSITIVE_INFINITY;
  for (let step = -CANDIDATES; step <= CANDIDATES; step++) {
    const inverse = (last + step * SPACING) / (high - low);
    let [x, q, qq, xq, xx] = [0, 0, 0, 0, 0];
    for (let i = start; i < start + count; i++) {
      const value = values[i]!;
      const code = clampRound((value - low) * inverse, last);
      x += value;
      q += code;
      qq += code * code;
      xq += value * code;
      xx += value * value;
    }
    const spread = count * qq - q * q;
    let scale = spread > 0 ? (count * xq - x * q) / spread : 0;
    let offset = (x - scale * q) / count;
    if (offset > 0) {
      offset = 0;
      scale = xq / qq;
    }
    const error =
      xx + scale * scale * qq + count * offset * offset + 2 * (scale * offset * q - scale * xq - offset * x);
    if (error < least) {
      least = error;
      found.scale = scale;
      found.minimum = -offset;
    }
  }
}
