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
  let x = graph.emitOne(embedding, [embeddingTable(step), inputs.tokens!], { scale });
  if (inputs.tokenTypes) x = addRows(step, x, "token_types", spec.tokenTypes!, inputs.tokenTypes);
  if (spec.learnedPositions)
    x = addRows(step, x, "position_embd", spec.sizes.contextLength, inputs.positions);
  return spec.embeddingNorm === undefined ? x : step.norm(x, spec.embeddingNorm);
}

/** x plus the rows of a further table that `indices` name. */
function addRows(step: StepContext, x: Value, name: string, rows: number, indices: Value): Value {
  const table = step.matrix(`${name}.weight`, rows, step.spec.sizes.hidden);
  return step.add(x, step.graph.emitOne(embedding, [table, indices], { scale: 1 }));
}

/**
 * The outputs that the shape asks for, of the wanted rows.
 * @param x the residual stream after the last layer [T, hidden]
 * @param finalNorm before the output matrix and the output "hidden", if there is one
 */
export function stepOutputs(
  step: StepContext,
  x: Value,
  finalNorm: string | undefined,
): Readonly<Record<string, Value>> {
  const { graph, inputs, shape } = step;
  const wanted = graph.emitOne(gatherRows, [x, inputs.logitRows], {}); // [R, hidden]
  const hidden = finalNorm === undefined ? wanted : step.norm(wanted, finalNorm);
  const outputs = shape.outputs ?? ["logits"];
  const logits = outputs.includes("logits") ? logitsOf(step, hidden) : undefined; // [R, vocabulary]
  return {
    ...(logits && { logits }),
    ...(outputs.includes("hidden") && { hidden }),
    ...(outputs.includes("residual") && { residual: wanted }),
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
