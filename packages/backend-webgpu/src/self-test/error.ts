/** How far results are from what they should be. */

/** sum (a - e)^2 / sum e^2; infinities that agree do not count. */
export function normalisedError(actual: Float32Array, expected: Float32Array): number {
  let [error, power] = [0, 0];
  expected.forEach((value, i) => {
    if (value === actual[i]) {
      if (Number.isFinite(value)) power += value ** 2;
      return;
    }
    error += (actual[i]! - value) ** 2;
    power += value ** 2;
  });
  return error === 0 ? 0 : error / power;
}
