/**
 * What was measured, kept in a file between loads. It counts only for the same device, model, runtime and options; anything
 * else in the file, damaged or not, counts for nothing.
 */

import { type RuntimeFiles, readJson, writeJson } from "../runtime/files.js";
import { CANDIDATES, type CandidateName } from "./options.js";
import type { CandidateReport, NnapiPlan, PlanReason } from "./plan.js";

/** Raised when measurements come to mean something else. */
const FORMAT = 1;
const RECORD = "millet-nnapi-choice.json";

export type Verdict = Pick<NnapiPlan, "resolved" | "baseline" | "probed" | "measured" | "candidates"> & {
  readonly reasons: readonly PlanReason[];
};

export async function recall(files: RuntimeFiles, key: string): Promise<Verdict | undefined> {
  const records = recordsOf(await readJson(files, RECORD));
  const verdict = records[key];
  return isVerdict(verdict) ? verdict : undefined;
}

/** Other models keep what is remembered of them. A failure leaves the file as it is, or damaged: both are fine. */
export async function remember(files: RuntimeFiles, key: string, verdict: Verdict): Promise<void> {
  const records = recordsOf(await readJson(files, RECORD));
  await writeJson(files, RECORD, { format: FORMAT, records: { ...records, [key]: verdict } });
}

function recordsOf(data: unknown): Readonly<Record<string, unknown>> {
  return isObject(data) && data.format === FORMAT && isObject(data.records) ? data.records : {};
}

function isVerdict(value: unknown): value is Verdict {
  return (
    isObject(value) &&
    (value.resolved === "none" || isCandidate(value.resolved)) &&
    (value.baseline === undefined || (isObject(value.baseline) && hasNumbers(value.baseline, ["seconds"]))) &&
    (value.probed === undefined ||
      (isObject(value.probed) && hasNumbers(value.probed, ["layers", "tokens"]))) &&
    (value.measured === undefined || typeof value.measured === "string") &&
    isListOf(value.reasons, isReason) &&
    isListOf(value.candidates, isReport)
  );
}

function isReport(value: unknown): value is CandidateReport {
  return (
    isObject(value) &&
    isCandidate(value.name) &&
    typeof value.created === "boolean" &&
    (value.reason === undefined || isReason(value.reason)) &&
    (value.numerics === undefined ||
      (isObject(value.numerics) && hasNumbers(value.numerics, ["toBaseline"]))) &&
    ["seconds", "speedup", "partitions"].every(
      (name) => value[name] === undefined || typeof value[name] === "number",
    )
  );
}

function isReason(value: unknown): value is PlanReason {
  return isObject(value) && typeof value.message === "string";
}

function isCandidate(value: unknown): value is CandidateName {
  return CANDIDATES.some((name) => name === value);
}

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

function hasNumbers(value: Readonly<Record<string, unknown>>, names: readonly string[]): boolean {
  return names.every((name) => typeof value[name] === "number");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
