/** The form in which an accelerator computes prompts: how a step becomes ONNX with fixed shapes and rounded weights. */
import type { MilletError } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import type { WeightSources } from "@millet/core/tensor";
import type { EmittedGraph } from "../emit/emit.js";
import type { ResolvedOptions } from "./options.js";

export interface PromptForm {
  /** Names the model, in letters and digits. */
  readonly model: string;
  /** Says all that it is made with: another form of the same model has another key. */
  readonly key: string;
  /** @throws MilletError SOURCE_*, ABORTED */
  emit(graph: Graph, signal: AbortSignal | undefined): Promise<EmittedGraph>;
}

/** @returns the form, or why this model has none */
export type FormMaker = (
  weights: WeightSources,
  options: ResolvedOptions,
  signal: AbortSignal | undefined,
) => Promise<PromptForm | MilletError>;
