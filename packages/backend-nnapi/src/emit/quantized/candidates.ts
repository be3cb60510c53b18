/** Divisors of a layer's input columns to choose from: how much of the difficulty moves from activations into weights. */

/** The power to which an input column's size is taken; 0 leaves the columns as they are, 1 makes them alike. */
const BY_INPUT = [0, 0.25, 0.5, 0.75, 1];
/** The same, with the weights' columns to the rest of the power (SmoothQuant's alpha). */
const BY_BOTH = [0.3, 0.5, 0.7, 0.85];
const LEAST = 1e-6;

/**
 * @param input largest absolute value of each column
 * @param weights the same of the weights that it is multiplied with
 * @returns f32[columns] each, with a mean of 1
 */
export function candidateDivisors(input: ArrayLike<number>, weights: ArrayLike<number>): Float32Array[] {
  const made = (of: (input: number, weights: number) => number) =>
    normalized(Float32Array.from(input, (x, i) => of(Math.max(LEAST, x), Math.max(LEAST, weights[i]!))));
  return [
    ...BY_INPUT.map((power) => made((x) => x ** power)),
    ...BY_BOTH.map((power) => made((x, w) => x ** power / w ** (1 - power))),
  ];
}

export function normalized(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return values.map((x) => x / mean);
}
