/** From a decoder's spec to its definition: the graphs of steps, checked once against the weights. */
import { GraphBuilder } from "../../graph/builder.js";
import type { Graph } from "../../graph/graph.js";
import type { WeightSources } from "../../tensor/weights.js";
import type { ModelDefinition, StepShape } from "../definition.js";
import { countParameters } from "../weights.js";
import { embedTokens, stepOutputs } from "./ends.js";
import { decoderLayer } from "./layer.js";
import type { DecoderSpec } from "./spec.js";
import { StepContext } from "./step-context.js";

/**
 * @param weights by the names that the spec's parts use
 * @throws MilletError MODEL_TENSOR_* if a weight is missing or does not fit
 */
export function defineDecoder(
  architecture: string,
  spec: DecoderSpec,
  weights: WeightSources,
): ModelDefinition {
  const { layers, hidden, kvHeads, headDim, valueDim, vocabularySize, contextLength } = spec.sizes;
  const step = (shape: StepShape) => buildStep(spec, weights, shape);
  // Building one graph now reports missing and misshapen tensors before any weight is read.
  const kind = spec.causal === false ? "encoder" : "decoder";
  const outputs = kind === "encoder" ? (["hidden"] as const) : undefined;
  step({ name: "check", tokens: 1, logits: 1, sequences: 1, blocksPerSequence: 1, outputs });
  return {
    architecture,
    kind,
    vocabularySize,
    hidden,
    contextLength,
    kv: { layers, kvHeads, headDim, valueDim },
    parameterCount: countParameters(weights),
    weights,
    step,
  };
}

function buildStep(spec: DecoderSpec, weights: WeightSources, shape: StepShape): Graph {
  const graph = new GraphBuilder(shape.name);
  const step = new StepContext(graph, spec, weights, shape);
  let x = embedTokens(step);
  for (let layer = 0; layer < spec.sizes.layers; layer++) x = decoderLayer(step, x, layer);
  return graph.finish(stepOutputs(step, x, spec.finalNorm === false ? undefined : "output_norm"));
}
