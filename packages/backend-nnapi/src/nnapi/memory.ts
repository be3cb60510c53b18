/**
 * How much of a model an accelerator may hold. Its weights lie in memory twice, once in each form, so that both forms, the
 * KV cache of a full context and a shard on its way to the driver count against the budget.
 */
import { type KvPlan, kvElementsPerRow } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import { before, denseElements, layerCount, layerCuts } from "./layers.js";
import type { ResolvedOptions } from "./options.js";
import type { MemoryReport } from "./plan.js";
import { megabytes } from "./plan-text.js";

export interface MemoryPlan {
  readonly report: MemoryReport;
  /** Why the accelerator takes nothing, or not everything. */
  readonly problem: MilletError | undefined;
}

/** What else the model needs. */
export interface MemoryNeeds {
  /** Weights in the form that computes everything else. */
  readonly weightBytes: number;
  readonly kv: KvPlan;
}

type Limits = Pick<ResolvedOptions, "maxNnapiBytes" | "memoryBytes" | "shardBytes" | "allowsPart">;

/** @param graph the step that computes prompts */
export function planMemory(graph: Graph, needs: MemoryNeeds, limits: Limits): MemoryPlan {
  const kvBytes = cacheBytes(graph, needs.kv);
  const layers = layerCount(graph);
  const reportOf = (acceleratedLayers: number, acceleratorBytes: number): MemoryReport => {
    const shardBytes = Math.min(limits.shardBytes, acceleratorBytes);
    return {
      acceleratorBytes,
      weightBytes: needs.weightBytes,
      kvBytes,
      shardBytes,
      totalBytes: acceleratorBytes + needs.weightBytes + kvBytes + shardBytes,
      budgetBytes: limits.memoryBytes,
      acceleratedLayers,
      layers,
    };
  };
  const fits = ({ acceleratorBytes, totalBytes }: MemoryReport) =>
    acceleratorBytes <= limits.maxNnapiBytes && totalBytes <= limits.memoryBytes;
  // In uint8 a weight takes a byte.
  const whole = reportOf(layers, denseElements(graph));
  if (fits(whole)) return { report: whole, problem: undefined };
  const parts = limits.allowsPart ? layerCuts(graph).filter((cut) => cut.layers < layers) : [];
  const part = parts
    .map((cut) => reportOf(cut.layers, denseElements(before(graph, cut))))
    .filter(fits)
    .at(-1);
  const problem = tooMuch(whole, part, limits);
  return { report: part ?? reportOf(0, 0), problem };
}

/** float32, as long as a sequence may get. */
function cacheBytes(graph: Graph, kv: KvPlan): number {
  const table = graph.nodes.find(({ op }) => op === "attention")?.inputs[6];
  const blocks = Math.min(table?.spec.shape[1] ?? kv.maxBlocks, kv.maxBlocks);
  return kvElementsPerRow(kv) * 4 * kv.blockRows * blocks;
}

function tooMuch(whole: MemoryReport, part: MemoryReport | undefined, limits: Limits): MilletError {
  const { acceleratorBytes, totalBytes, layers } = whole;
  const what =
    `The accelerator would hold ${megabytes(acceleratorBytes)} of weights, of ${megabytes(limits.maxNnapiBytes)} that it may ` +
    `(maxNnapiBytes), and the model ${megabytes(totalBytes)} in all, of ${megabytes(limits.memoryBytes)} (memoryBytes).`;
  const next = part
    ? `It takes ${part.acceleratedLayers} of ${layers} layers.`
    : limits.allowsPart
      ? "Not even one layer fits. Raise memoryBytes if the device has more, or load with a smaller contextLength."
      : "Set maxNnapiBytes to have as many layers there as fit, or take a smaller model or contextLength.";
  return new MilletError("NNAPI_MEMORY_BUDGET", `${what} ${next}`, { details: { ...whole } });
}
