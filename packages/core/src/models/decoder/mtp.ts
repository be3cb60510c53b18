/**
 * Multi-token prediction: one more decoder layer that takes a hidden state and the token after it, and predicts the token
 * after that (Gloeckle et al. 2024, arXiv 2404.19737; in this sequential form DeepSeek-V3, arXiv 2412.19437, section 2.2).
 */
import { GraphBuilder } from "../../graph/builder.js";
import type { Graph, Value } from "../../graph/graph.js";
import type { WeightSources } from "../../tensor/weights.js";
import type { MtpDefinition, StepShape } from "../definition.js";
import { embedTokens, stepOutputs } from "./ends.js";
import { decoderLayer } from "./layer.js";
import type { DecoderSpec } from "./spec.js";
import { StepContext } from "./step-context.js";

/** The halves of the matrix that joins both inputs. */
export const MTP_PROJECTION = { ofHidden: "nextn.h_proj", ofEmbedding: "nextn.e_proj" } as const;

/** @param spec of the decoder, whose layers come before that of MTP */
export function defineMtp(spec: DecoderSpec, weights: WeightSources): MtpDefinition {
  const { layers, kvHeads, headDim, valueDim } = spec.sizes;
  const step = (shape: StepShape) => buildStep(spec, weights, shape);
  step({ name: "check", tokens: 1, logits: 1, sequences: 1, blocksPerSequence: 1 });
  return { kv: { layers: layers + 1, kvHeads, headDim, valueDim }, step };
}

function buildStep(spec: DecoderSpec, weights: WeightSources, shape: StepShape): Graph {
  const graph = new GraphBuilder(shape.name);
  const step = new StepContext(graph, spec, weights, shape);
  const { layers, hidden } = spec.sizes;
  const previous = graph.input("hidden", { dtype: "f32", shape: [shape.tokens, hidden] }, "tokens");
  const project = (x: Value, norm: string, matrix: string) =>
    step.linear(step.norm(x, `blk.${layers}.nextn.${norm}`), layers, matrix, hidden);
  const joined = step.add(
    project(previous, "hnorm", MTP_PROJECTION.ofHidden),
    project(embedTokens(step), "enorm", MTP_PROJECTION.ofEmbedding),
  );
  const x = decoderLayer(step, joined, layers);
  return graph.finish(stepOutputs(step, x, `blk.${layers}.nextn.shared_head_norm`));
}
