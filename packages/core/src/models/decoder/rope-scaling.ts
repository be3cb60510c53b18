/**
 * How RoPE is stretched to contexts longer than it was trained for. Each scheme gives the frequencies, in radians per
 * position of each rotated pair, and the factor on cosine and sine.
 */

export interface Rotation {
  readonly inverseFrequencies: readonly number[];
  readonly magnitude: number;
}

/** base^(-2i / rotaryDim), divided by a factor each. */
export function plainRotation(
  base: number,
  rotaryDim: number,
  divisor: (pair: number) => number = () => 1,
): Rotation {
  const inverseFrequencies = Array.from(
    { length: rotaryDim / 2 },
    (_, i) => base ** ((-2 * i) / rotaryDim) / divisor(i),
  );
  return { inverseFrequencies, magnitude: 1 };
}

/** YaRN (Peng et al. 2023, arXiv 2309.00071): pairs that turn often stay, those that turn seldom are interpolated. */
export interface YarnScaling {
  readonly factor: number;
  readonly originalContext: number;
  /** Turns within the original context above which a pair stays, and below which it is interpolated: 32 and 1. */
  readonly betaFast: number;
  readonly betaSlow: number;
  /** Factor besides the paper's 0.1 ln(factor) + 1. */
  readonly attentionFactor: number;
}

export function yarnRotation(base: number, rotaryDim: number, scaling: YarnScaling): Rotation {
  const { factor, originalContext, betaFast, betaSlow, attentionFactor } = scaling;
  const pairThatTurns = (turns: number) =>
    (rotaryDim * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const first = Math.max(Math.floor(pairThatTurns(betaFast)), 0);
  const last = Math.min(Math.ceil(pairThatTurns(betaSlow)), rotaryDim - 1);
  const width = Math.max(last - first, 0.001);
  const { inverseFrequencies } = plainRotation(base, rotaryDim, (i) => {
    const interpolated = clamp((i - first) / width);
    return 1 / (interpolated / factor + 1 - interpolated);
  });
  const magnitude = attentionFactor * (factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1);
  return { inverseFrequencies, magnitude };
}

/** LongRoPE's factor on cosine and sine (Ding et al. 2024, arXiv 2402.13753), unless a file has its own. */
export function longRopeMagnitude(context: number, originalContext: number): number {
  const ratio = context / originalContext;
  return ratio <= 1 ? 1 : Math.sqrt(1 + Math.log(ratio) / Math.log(originalContext));
}

function clamp(x: number): number {
  return Math.min(Math.max(x, 0), 1);
}
