/** From hidden states to a text's vector. Sums are in float64, in the order of the tokens. */
import type { Pooling } from "../models/index.js";

/** Takes the rows of one text, over several steps if need be. */
export class Pool {
  readonly #pooling: Pooling;
  readonly #sum: Float64Array;
  #rows = 0;

  /** @param columns elements of a row */
  constructor(pooling: Pooling, columns: number) {
    this.#pooling = pooling;
    this.#sum = new Float64Array(columns);
  }

  /**
   * Which of a step's rows `add` is to be given.
   * @param first index of the step's first row in the text, which has `length` rows
   */
  static wanted(pooling: Pooling, first: number, count: number, length: number): readonly number[] {
    const rows = Array.from({ length: count }, (_, i) => first + i);
    if (pooling === "mean") return rows;
    return rows.filter((row) => row === (pooling === "cls" ? 0 : length - 1));
  }

  /** @param row [columns] */
  add(row: Float32Array): void {
    row.forEach((value, i) => {
      this.#sum[i]! += value;
    });
    this.#rows++;
  }

  /** @param normalize to a Euclidean length of 1; a vector of zeros stays one */
  vector(normalize: boolean): Float32Array {
    const rows = this.#pooling === "mean" ? this.#rows : 1;
    const mean = this.#sum.map((value) => value / rows);
    const norm = normalize ? Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0)) : 1;
    return Float32Array.from(mean, (value) => value / (norm || 1));
  }
}
