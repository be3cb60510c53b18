/** A plan as text for people: one line per fact, the outcome first. */
import type { CandidateReport, MemoryReport, NnapiPlan, PlanReason } from "./plan.js";

export function planText(plan: Omit<NnapiPlan, "toString">): string {
  const { resolved, fallback, reasons, candidates, baseline, probed, memory, runtime, device } = plan;
  const outcome =
    resolved === "none"
      ? `Backend ${fallback} computes everything`
      : `Prompts are computed with ${resolved}, everything else by backend ${fallback}`;
  const where = device === "" ? runtime : `${runtime} on ${device}`;
  const when = plan.measured === undefined ? "" : `, measured ${plan.measured}`;
  return [
    `${outcome} (ONNX Runtime ${where}${when}${plan.remembered ? ", remembered" : ""}).`,
    ...reasons.map((reason) => `  ${reasonText(reason)}`),
    ...(baseline && probed
      ? [
          `  ${baseline.name}: ${milliseconds(baseline.seconds)} for ${probed.tokens} tokens through ${probed.layers} layers`,
        ]
      : []),
    ...candidates.map((candidate) => `  ${candidateText(candidate)}`),
    ...(memory ? [`  memory: ${memoryText(memory)}`] : []),
  ].join("\n");
}

/** One line. */
export function candidateText({
  name,
  created,
  seconds,
  speedup,
  numerics,
  reason,
  ...rest
}: CandidateReport): string {
  const left = Object.entries(rest.leftToCpu ?? {}).map(([op, count]) => `${count} ${op}`);
  const facts = [
    ...(seconds === undefined ? [created ? "not timed" : "not created"] : [milliseconds(seconds)]),
    ...(speedup === undefined ? [] : [`${speedup.toFixed(2)} times as fast`]),
    ...(numerics?.toCpu === undefined ? [] : [`error to the CPU ${numerics.toCpu.toExponential(1)}`]),
    ...(numerics ? [`to the baseline ${numerics.toBaseline.toExponential(1)}`] : []),
    ...(rest.partitions === undefined ? [] : [`${rest.partitions} partitions`]),
    ...(left.length === 0 ? [] : [`left to the CPU: ${left.join(", ")}`]),
  ];
  return `${name}: ${facts.join("; ")}${reason ? `. ${reasonText(reason)}` : ""}`;
}

export function reasonText({ code, message }: PlanReason): string {
  return code === undefined ? message : `${code}: ${message}`;
}

function memoryText(memory: MemoryReport): string {
  const { acceleratorBytes, weightBytes, kvBytes, totalBytes, budgetBytes } = memory;
  return (
    `${memory.acceleratedLayers} of ${memory.layers} layers on the accelerator, ${megabytes(acceleratorBytes)}; weights ` +
    `${megabytes(weightBytes)}, KV cache ${megabytes(kvBytes)}; in all ${megabytes(totalBytes)} of ${megabytes(budgetBytes)}`
  );
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(seconds < 0.1 ? 2 : 0)} ms`;
}
