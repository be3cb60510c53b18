/** The end of a step that samples: op `sample` with its inputs, the same for every architecture. */
import type { GraphBuilder } from "../../graph/builder.js";
import type { Value } from "../../graph/graph.js";
import { SETTINGS_COLUMNS, sample } from "../../ops/index.js";
import type { StepShape } from "../definition.js";

/** The outputs to add, none if the step does not sample. @param logits [R, vocabulary] */
export function samplingOutputs(
  graph: GraphBuilder,
  sampling: StepShape["sampling"],
  logits: Value,
): Readonly<Record<string, Value>> {
  if (!sampling) return {};
  const rows = logits.spec.shape[0]!;
  const recent = graph.input("history", { dtype: "i32", shape: [rows, sampling.history] }, "logits");
  const settings = graph.input(
    "settings",
    { dtype: "f32", shape: [rows, SETTINGS_COLUMNS.length] },
    "logits",
  );
  const attrs = { candidates: sampling.candidates };
  const [token, history, candidates] = graph.emit(sample, [logits, recent, settings], attrs);
  return { token: token!, history: history!, candidates: candidates! };
}
