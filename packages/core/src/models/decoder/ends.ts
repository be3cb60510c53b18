/** The two ends of a step: from tokens to the residual stream, and from it to logits or hidden states. */
import type { Value } from "../../graph/graph.js";
import { embedding, gatherRows, linear, softCap } from "../../ops/index.js";
import { samplingOutputs } from "./sampling-outputs.js";
import type { StepContext } from "./step-context.js";

const EMBEDDING = "token_embd.weight";

/** The rows that enter the first layer. [T, hidden] */
export function embedTokens(step: StepContext): Value {
  const { inputs, spec, graph } = step;
  if (inputs.embeddings) return inputs.embeddings;
  const scale = spec.embeddingScale ?? 1;
  const x = graph.emitOne(embedding, [embeddingTable(step), inputs.tokens!], { scale });
  if (!spec.learnedPositions) return x;
  const { contextLength, hidden } = spec.sizes;
  const table = step.matrix("position_embd.weight", contextLength, hidden);
  return step.add(x, graph.emitOne(embedding, [table, inputs.positions], { scale: 1 }));
}

/**
 * The outputs that the shape asks for, of the wanted rows.
 * @param x the residual stream after the last layer [T, hidden]
 */
export function stepOutputs(step: StepContext, x: Value, finalNorm: string): Readonly<Record<string, Value>> {
  const { graph, inputs, shape } = step;
  const wanted = graph.emitOne(gatherRows, [x, inputs.logitRows], {}); // [R, hidden]
  const hidden = step.norm(wanted, finalNorm);
  const outputs = shape.outputs ?? ["logits"];
  const logits = outputs.includes("logits") ? logitsOf(step, hidden) : undefined; // [R, vocabulary]
  return {
    ...(logits && { logits }),
    ...(outputs.includes("hidden") && { hidden }),
    ...(logits && samplingOutputs(graph, shape.sampling, logits)),
  };
}

/** @param hidden normalized rows [R, hidden] */
function logitsOf(step: StepContext, hidden: Value): Value {
  const { sizes, logitScale, logitSoftCap: cap } = step.spec;
  const { vocabularySize, hidden: columns } = sizes;
  const head = step.hasWeight("output.weight")
    ? step.matrix("output.weight", vocabularySize, columns)
    : embeddingTable(step);
  const logits = step.scale(step.graph.emitOne(linear, [hidden, head], {}), logitScale);
  return cap === undefined ? logits : step.graph.emitOne(softCap, [logits], { cap });
}

function embeddingTable(step: StepContext): Value {
  const { vocabularySize, hidden } = step.spec.sizes;
  return step.matrix(EMBEDDING, vocabularySize, hidden);
}
