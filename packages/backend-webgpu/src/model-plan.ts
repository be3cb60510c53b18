/** What loading a model will make of its graphs: where weights go, programs, scratch slots. Nothing is allocated yet. */
import type { Estimate, GraphSet, KvPlan } from "@millet/core/backend";
import type { Graph } from "@millet/core/graph";
import { type Choices, NO_CHOICES } from "./kernels/choices.js";
import type { KernelFeatures } from "./kernels/features.js";
import { kvBytes } from "./kv/layout.js";
import { CallLayout } from "./lower/call-layout.js";
import type { ModelContext, MostRows } from "./lower/context.js";
import { type LoweredGraph, lowerGraph } from "./lower/lower.js";
import { type PageLimits, planWeights, type WeightPlan } from "./weights/plan.js";

/** Graphs of at most so many rows also get a program for one row: a decode step of a single sequence. */
const FEW_ROWS = 8;

/** A graph with its programs, the one for the fewest rows first. */
export interface PlannedGraph {
  readonly name: string;
  readonly graph: Graph;
  readonly layout: CallLayout;
  readonly lowered: readonly LoweredGraph[];
}

export interface ModelPlan {
  readonly weights: WeightPlan;
  readonly graphs: readonly PlannedGraph[];
  /** Bytes of the scratch slots that all programs share. */
  readonly slots: readonly number[];
}

/** @throws MilletError MODEL_TOO_LARGE, GRAPH_UNSUPPORTED_OP */
export function planModel(
  graphs: GraphSet,
  kv: KvPlan,
  limits: PageLimits,
  features: KernelFeatures,
  choices: Choices = NO_CHOICES,
): ModelPlan {
  const weights = planWeights(graphs, limits);
  const context: ModelContext = { weights: weights.places, features, kv, choices };
  const planned = Object.entries(graphs).map(([name, graph]) => planGraph(name, graph, context));
  const slots: number[] = [];
  for (const { program } of planned.flatMap(({ lowered }) => lowered)) {
    program.slots.forEach((bytes, i) => {
      slots[i] = Math.max(slots[i] ?? 0, bytes);
    });
  }
  return { weights, graphs: planned, slots };
}

export function estimateOf({ weights, slots }: ModelPlan, kv: KvPlan): Estimate {
  return {
    weightBytes: weights.byteLength,
    kvBytes: kvBytes(kv, kv.maxBlocks),
    scratchBytes: slots.reduce((sum, bytes) => sum + bytes, 0),
  };
}

function planGraph(name: string, graph: Graph, context: ModelContext): PlannedGraph {
  const layout = new CallLayout(graph);
  const full = mostRows(graph);
  const one: MostRows = { tokens: 1, logits: Math.min(1, full.logits) };
  const sizes = full.tokens > 1 && full.tokens <= FEW_ROWS ? [one, full] : [full];
  return { name, graph, layout, lowered: sizes.map((most) => lowerGraph(graph, layout, most, context)) };
}

function mostRows(graph: Graph): MostRows {
  const most = { tokens: 0, logits: 0 };
  for (const { rowAxis, spec } of Object.values(graph.inputs)) {
    if (rowAxis !== "fixed") most[rowAxis] = Math.max(most[rowAxis], spec.shape[0]!);
  }
  return most;
}
