/**
 * The products of one layer. Usual rows need fine steps and massive ones a wide range, which no single uint8 scale has. So
 * the first product takes the usual range, a second one what is somewhat beyond it, in coarser steps; and the few columns in
 * which massive rows are massive pass what is then left as float32 (as Dettmers et al. 2022, arXiv 2208.07339, do, but with
 * columns that the calibration found). For usual rows both are 0.
 */
import type { BalancedLayer } from "./balance.js";
import { columnsQuantization, type Quantization } from "./parameters.js";

export interface Level {
  readonly input: Quantization;
  readonly output: Quantization;
}

export interface Levels {
  readonly levels: readonly Level[];
  /** Columns of the input whose remainder is multiplied in float32, in order. */
  readonly massive: readonly number[];
}

/** Texts go somewhat beyond what the calibration's did. */
const MARGIN = 1.1;
/** Inputs that nothing bounds get room for rows so many times larger than the usual ones, seen or not. */
const UNBOUNDED_ROOM = 3;
/** From so many times the usual range on, massive rows are apart; below, the one range is widened. */
const LEAST_RATIO = 1.5;
/** Most columns in float32. */
const MOST_MASSIVE = 64;

/** @param isUnbounded whether the input is neither a norm's result nor a mean of values */
export function levelsOf(
  { input, output, factors, weightScale }: BalancedLayer,
  divisors: Float32Array,
  isUnbounded: boolean,
): Levels {
  const level = (from: Quantization, to: Quantization, times: number): Level => ({
    input: wider(from, times),
    output: coarseEnough(wider(to, times), wider(from, times), weightScale),
  });
  const [usual, all] = [input.usual, input.all ?? input.usual].map((columns) =>
    columnsQuantization(columns, divisors),
  );
  const usualOutput = columnsQuantization(output.usual, factors);
  if (!isUnbounded && all!.scale < LEAST_RATIO * usual!.scale) {
    const allOutput = columnsQuantization(output.all ?? output.usual, factors);
    return { levels: [level(all!, allOutput, MARGIN)], massive: [] };
  }
  const room = isUnbounded ? UNBOUNDED_ROOM : MARGIN;
  const levels = [level(usual!, usualOutput, MARGIN)];
  if (isUnbounded) levels.push(level(usual!, usualOutput, UNBOUNDED_ROOM));
  return { levels, massive: massiveColumns(input.all, divisors, room * 128 * usual!.scale) };
}

/** Those that reach beyond `most`, the farthest first to be taken. */
function massiveColumns(
  all: BalancedLayer["input"]["all"],
  divisors: Float32Array,
  most: number,
): readonly number[] {
  if (!all) return [];
  const reach = (k: number) => Math.max(-all.low[k]!, all.high[k]!) / divisors[k]!;
  const beyond = [...divisors.keys()].filter((k) => reach(k) > most);
  return beyond
    .sort((a, b) => reach(b) - reach(a))
    .slice(0, MOST_MASSIVE)
    .sort((a, b) => a - b);
}

function wider({ scale, zeroPoint }: Quantization, times: number): Quantization {
  return { scale: Math.fround(scale * times), zeroPoint };
}

/** NNAPI before Android 10 wants output scales above the product of the others (FULLY_CONNECTED in NeuralNetworks.h). */
function coarseEnough(output: Quantization, input: Quantization, weightScale: number): Quantization {
  const least = Math.fround(input.scale * weightScale * 1.0001);
  return output.scale > least ? output : { ...output, scale: least };
}
