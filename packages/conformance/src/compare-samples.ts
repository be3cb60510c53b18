/** Compares outputs of op sample: ids exactly, logits and log-sum-exps closely. */
import { type Candidates, unpackCandidates } from "@millet/core/ops";
import type { Outputs } from "./case.js";
import { floats, sameBits } from "./compare.js";

const LOGIT_TOLERANCE = 1e-6;
const LOG_SUM_TOLERANCE = 1e-5;

/** What is wrong, or undefined. */
export function compareSamples(actual: Outputs, expected: Outputs): string | undefined {
  for (const name of ["token", "history"]) {
    if (!sameBits(actual[name]!, expected[name]!)) return `${name} differs`;
  }
  const [rows, columns] = expected.candidates!.spec.shape as readonly [number, number];
  const history = expected.history!.spec.shape[1]!;
  for (let r = 0; r < rows; r++) {
    const row = (outputs: Outputs) =>
      unpackCandidates(floats(outputs.candidates!).subarray(r * columns, (r + 1) * columns), history);
    const problem = compareRow(row(actual), row(expected));
    if (problem !== undefined) return `row ${r}: ${problem}`;
  }
  return undefined;
}

function compareRow(actual: Candidates, expected: Candidates): string | undefined {
  for (const name of ["count", "token"] as const) {
    if (actual[name] !== expected[name]) return `${name} is ${actual[name]}, not ${expected[name]}`;
  }
  for (const name of ["logSum", "penalizedLogSum"] as const) {
    if (!isClose(actual[name], expected[name], LOG_SUM_TOLERANCE)) {
      return `${name} is ${actual[name]}, not ${expected[name]}`;
    }
  }
  return (
    differs("ids", actual.ids, expected.ids, 0) ??
    differs("logits", actual.logits, expected.logits, LOGIT_TOLERANCE) ??
    differs("historyLogits", actual.historyLogits, expected.historyLogits, LOGIT_TOLERANCE)
  );
}

function differs(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): string | undefined {
  for (let i = 0; i < expected.length; i++) {
    if (!isClose(actual[i]!, expected[i]!, tolerance))
      return `${name}[${i}] is ${actual[i]}, not ${expected[i]}`;
  }
  return undefined;
}

/** Relative to numbers above 1, absolute below. */
function isClose(actual: number, expected: number, tolerance: number): boolean {
  if (actual === expected) return true; // infinities
  return Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected));
}
