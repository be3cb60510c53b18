/** Inputs of a step call of one sequence at any place of its context, whose rows before were never computed. */
import type { Call } from "../backend/backend.js";
import type { Graph } from "../graph/graph.js";
import { createTensor, type HostTensor, tensorOf } from "../tensor/tensor.js";

/** Rows of one call. */
export interface ProbeRows {
  /** Position of the first. */
  readonly position: number;
  readonly tokens: number;
  /** How many of the last rows give logits; 0 leaves the output matrix out. */
  readonly logits: number;
}

/** @param vocabulary token ids lie below it */
export function probeInputs(graph: Graph, rows: ProbeRows, vocabulary: number): Call["inputs"] {
  const { position, tokens, logits } = rows;
  const count = (from: number, length: number) =>
    tensorOf(
      "i32",
      [length],
      Int32Array.from({ length }, (_, i) => from + i),
    );
  const [sequences, blocks] = [graph.inputs.lengths!.spec.shape[0]!, graph.inputs.blockTable!.spec.shape[1]!];
  const lengths = new Int32Array(sequences);
  lengths[0] = position + tokens;
  const table = Int32Array.from({ length: sequences * blocks }, (_, i) => (i < blocks ? i : 0));
  const ids = Int32Array.from({ length: tokens }, (_, i) => ((position + i) * 7919) % vocabulary);
  const given: Record<string, HostTensor> = {
    tokens: tensorOf("i32", [tokens], ids),
    positions: count(position, tokens),
    sequences: tensorOf("i32", [tokens], new Int32Array(tokens)),
    writeRows: count(position, tokens),
    blockTable: tensorOf("i32", [sequences, blocks], table),
    lengths: tensorOf("i32", [sequences], lengths),
    logitRows: count(tokens - logits, logits),
  };
  // What a step that samples has besides: greedy choices without a history.
  for (const [name, { spec }] of Object.entries(graph.inputs)) {
    given[name] ??= createTensor({ ...spec, shape: [logits, ...spec.shape.slice(1)] });
  }
  return given;
}
