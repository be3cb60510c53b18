/** Who wins the contest, and why the others do not. */
import type { MilletErrorCode } from "@millet/core/errors";
import type { CandidateName, ResolvedOptions } from "./options.js";
import type { CandidateReport, PlanReason } from "./plan.js";

/** The same graph gives about the same numbers: roundings may differ by a unit of 8 bits here and there. */
const MOST_ERROR_TO_CPU = 0.01;
/** A sound form is off by less than a tenth, whatever the tokens; one that is broken by about as much as there is. */
const MOST_ERROR_TO_BASELINE = 0.3;

/**
 * The fastest of those that are fast enough and have no reason yet not to be taken.
 * @param reports amended: each that is not the one gets its reason
 */
export function judge(
  reports: CandidateReport[],
  options: Pick<ResolvedOptions, "minSpeedup">,
  baseline: string,
): { readonly resolved: CandidateName | "none"; readonly reasons: readonly PlanReason[] } {
  for (const [i, report] of reports.entries()) {
    const reason = report.reason ?? speedProblem(report, options.minSpeedup, baseline);
    if (reason) reports[i] = { ...report, reason };
  }
  const able = reports.filter(({ reason }) => reason === undefined);
  const [winner, ...others] = [...able].sort((a, b) => speedupOf(b) - speedupOf(a));
  if (!winner) return { resolved: "none", reasons: reports.flatMap(({ reason }) => reason ?? []) };
  for (const other of others) {
    const i = reports.indexOf(other);
    reports[i] = { ...other, reason: { message: `Provider "${winner.name}" is faster.` } };
  }
  const times = speedupOf(winner).toFixed(2);
  const message = `Provider "${winner.name}" computes prompts ${times} times as fast as backend ${baseline}.`;
  return { resolved: winner.name, reasons: [{ message }] };
}

const speedupOf = ({ speedup }: CandidateReport) => speedup ?? 0;

/** What is wrong with a candidate's numbers. */
export function numericsProblem(
  { name, numerics }: Pick<CandidateReport, "name" | "numerics">,
  baseline: string,
): PlanReason | undefined {
  if (numerics?.toCpu !== undefined && !(numerics.toCpu <= MOST_ERROR_TO_CPU)) {
    const error = numerics.toCpu.toExponential(1);
    const message = `Provider "${name}" computes other numbers than the CPU does with the same graph: relative error ${error}.`;
    return { code: "NNAPI_DRIVER_REJECTED", message };
  }
  if (numerics && !(numerics.toBaseline <= MOST_ERROR_TO_BASELINE)) {
    const error = numerics.toBaseline.toExponential(1);
    const message =
      `Rounding to 8 bits costs too much: relative error ${error} to backend ${baseline}. ` +
      "Calibrate with more text, of the kind that the model will read.";
    return { message };
  }
  return undefined;
}

function speedProblem(
  { name, speedup = 0 }: CandidateReport,
  minSpeedup: number,
  baseline: string,
): PlanReason | undefined {
  if (speedup >= minSpeedup) return undefined;
  const code: MilletErrorCode | undefined = name === "nnapi" ? "NNAPI_SLOWER_THAN_CPU" : undefined;
  const message =
    `Provider "${name}" is ${speedup.toFixed(2)} times as fast as backend ${baseline}, and ${minSpeedup} times are asked for ` +
    "(minSpeedup).";
  return { code, message };
}
