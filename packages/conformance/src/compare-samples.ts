/**
 * Compares outputs of op sample: ids exactly, logits and log-sum-exps closely; token -1 will do where the choice goes
 * beyond the candidates.
 */
import {
  type Candidates,
  candidateDistribution,
  knowsAllChoices,
  readSettings,
  unpackCandidates,
} from "@millet/core/ops";
import { viewAs } from "@millet/core/tensor";
import type { Inputs, Outputs } from "./case.js";
import { floats } from "./compare.js";

const LOGIT_TOLERANCE = 1e-6;
const LOG_SUM_TOLERANCE = 1e-5;

/** What is wrong, or undefined. */
export function compareSamples(actual: Outputs, expected: Outputs, inputs: Inputs): string | undefined {
  const [rows, columns] = expected.candidates!.spec.shape as readonly [number, number];
  const vocabulary = inputs.logits!.spec.shape[1]!;
  for (let r = 0; r < rows; r++) {
    const history = rowOf(viewAs(inputs.history!, "i32"), r, rows);
    const row = (outputs: Outputs): SampledRow => ({
      token: viewAs(outputs.token!, "i32")[r]!,
      history: rowOf(viewAs(outputs.history!, "i32"), r, rows),
      candidates: unpackCandidates(
        floats(outputs.candidates!).subarray(r * columns, (r + 1) * columns),
        history.length,
      ),
    });
    const settings = readSettings(rowOf(viewAs(inputs.settings!, "f32"), r, rows));
    const known = candidateDistribution(row(expected).candidates, history, vocabulary, settings);
    const problem = compareRow(row(actual), row(expected), knowsAllChoices(known, settings));
    if (problem !== undefined) return `row ${r}: ${problem}`;
  }
  return undefined;
}

interface SampledRow {
  readonly token: number;
  readonly history: Int32Array;
  readonly candidates: Candidates;
}

function rowOf<Values extends Int32Array | Float32Array>(values: Values, row: number, rows: number): Values {
  const columns = values.length / rows;
  return values.subarray(row * columns, (row + 1) * columns) as Values;
}

/** @param mustChoose whether token -1 does not stand for a choice beyond the candidates */
function compareRow(actual: SampledRow, expected: SampledRow, mustChoose: boolean): string | undefined {
  const { token } = actual;
  if (token !== expected.token && (mustChoose || token !== -1)) {
    return `token is ${token}, not ${expected.token}`;
  }
  if (actual.candidates.token !== token)
    return `token is ${token}, in the candidates ${actual.candidates.token}`;
  const history = [...expected.history.slice(0, -1), ...(expected.history.length > 0 ? [token] : [])];
  return (
    differs("history", actual.history, history, 0) ??
    compareCandidates(actual.candidates, expected.candidates)
  );
}

function compareCandidates(actual: Candidates, expected: Candidates): string | undefined {
  if (actual.count !== expected.count) return `count is ${actual.count}, not ${expected.count}`;
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
