/**
 * Chooses divisors of a layer's input columns and factors of its output columns, so that the rounding of inputs, weights and
 * outputs together adds the least noise. Rounding to steps of d adds d^2 / 12 to the mean square; what that does to the
 * output follows from the weights and the mean squares of the inputs, without running the model.
 */
import type { WeightSource } from "@millet/core/tensor";
import type { ActivationRange } from "../../calibrate/scales.js";
import { candidateDivisors, normalized } from "./candidates.js";
import { floatRows } from "./matrix.js";
import { columnsQuantization, WEIGHT_LEVELS } from "./parameters.js";

export interface Layer {
  readonly name: string;
  readonly source: WeightSource;
  readonly input: ActivationRange;
  readonly output: ActivationRange;
}

export interface BalancedLayer extends Layer {
  /** [N] */
  readonly factors: Float32Array;
  /** A float32. */
  readonly weightScale: number;
  /** What rounding is expected to add to the outputs of usual rows: root mean square, relative to theirs. */
  readonly noise: number;
}

/** How far factors of output columns follow the columns' ranges; the rest of the way they follow the weights' rows. */
const OUTPUT_SHARES = [0, 0.25, 0.5, 0.75, 1];
const LEAST = 1e-12;

/** @param layers with the same input */
export async function balance(
  layers: readonly Layer[],
): Promise<{ readonly divisors: Float32Array; readonly layers: readonly BalancedLayer[] }> {
  const { input } = layers[0]!;
  const columnMost = new Float64Array(input.usual.low.length);
  for (const { source } of layers) {
    for await (const [, row] of floatRows(source))
      for (let k = 0; k < row.length; k++) columnMost[k] = Math.max(columnMost[k]!, Math.abs(row[k]!));
  }
  const candidates = candidateDivisors(largest(input), columnMost);
  const found = await Promise.all(layers.map((layer) => chooseFactors(layer, candidates)));
  const noises = candidates.map((_, c) => found.reduce((sum, options) => sum + options[c]!.noise, 0));
  const best = noises.indexOf(Math.min(...noises));
  return {
    divisors: candidates[best]!,
    layers: layers.map((layer, i) => {
      const { noise, factors, weightScale } = found[i]![best]!;
      return { ...layer, factors, weightScale, noise: Math.sqrt(noise / (12 * factors.length)) };
    }),
  };
}

interface Option {
  /** Relative to the output: its columns count alike, however large they are. */
  readonly noise: number;
  readonly factors: Float32Array;
  readonly weightScale: number;
}

/** The best factors for each of the divisors, and what noise there is with both. */
async function chooseFactors(layer: Layer, candidates: readonly Float32Array[]): Promise<Option[]> {
  const { source, input, output } = layer;
  const rows = source.spec.shape[0]!;
  const rowMost = candidates.map(() => new Float32Array(rows));
  const outputPower = output.usual.power.map((power) => Math.max(LEAST, power));
  // Sum over outputs of squared weights, each relative to the output's power.
  const columnSquares = new Float64Array(input.usual.low.length);
  for await (const [n, row] of floatRows(source)) {
    for (let k = 0; k < row.length; k++) columnSquares[k]! += row[k]! ** 2 / outputPower[n]!;
    candidates.forEach((divisors, c) => {
      let most = 0;
      for (let k = 0; k < row.length; k++) most = Math.max(most, Math.abs(row[k]! * divisors[k]!));
      rowMost[c]![n] = most;
    });
  }
  const outputMost = largest(output);
  return candidates.map((divisors, c) => {
    const inputStep = columnsQuantization(input.usual, divisors).scale;
    const fromInput = inputStep ** 2 * sum(columnSquares, (square, k) => square * divisors[k]! ** 2);
    const inputPower = sum(input.usual.power, (power, k) => power / divisors[k]! ** 2);
    const options = OUTPUT_SHARES.map((share) => {
      const factors = factorsOf(outputMost, rowMost[c]!, share);
      const most = rowMost[c]!.reduce((a, row, n) => Math.max(a, row / factors[n]!), LEAST);
      const weightScale = Math.fround(most / WEIGHT_LEVELS);
      const outputStep = columnsQuantization(output.usual, factors).scale;
      const steps = weightScale ** 2 * inputPower + outputStep ** 2;
      const noise = fromInput + steps * sum(factors, (factor, n) => factor ** 2 / outputPower[n]!);
      return { noise, factors, weightScale };
    });
    return options.reduce((best, option) => (option.noise < best.noise ? option : best));
  });
}

function factorsOf(outputMost: Float32Array, rowMost: Float32Array, share: number): Float32Array {
  const [byOutput, byRow] = [atLeast(outputMost), atLeast(rowMost)];
  return normalized(byOutput.map((most, n) => most ** share * byRow[n]! ** (1 - share)));
}

/** Columns or rows of nothing but zeros get a small share of the largest instead, so that no factor is 0. */
function atLeast(values: Float32Array): Float32Array {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  return normalized(values.map((value) => Math.max(value, most * 1e-6, LEAST)));
}

function largest({ usual: { low, high } }: ActivationRange): Float32Array {
  return Float32Array.from(low, (x, i) => Math.max(Math.abs(x), Math.abs(high[i]!)));
}

function sum(values: ArrayLike<number>, of: (value: number, index: number) => number): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += of(values[i]!, i);
  return total;
}
