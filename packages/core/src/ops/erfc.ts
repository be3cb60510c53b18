/** erfc, the complementary error function, in float64: JavaScript has none. */

/** Where the series hands over to the continued fraction: both have converged there. */
const SPLIT = 2;

/**
 * erfc(x) = 1 - erf(x), within 1e-13 of the result, in the tail too
 * (Abramowitz and Stegun 1964, 7.1.6 and 7.1.14).
 */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  return x < SPLIT ? 1 - series(x) : tail(x);
}

/** erf(x) = 2 / sqrt(pi) * e^(-x^2) * sum of 2^n x^(2n + 1) / (2n + 1)!!: all terms are positive. */
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) = e^(-x^2) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + (3/2) / ...))), from the far end. */
function tail(x: number): number {
  let denominator = x;
  for (let n = 80; n >= 1; n--) denominator = x + n / 2 / denominator;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / denominator;
}
