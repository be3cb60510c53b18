/** Prompts in float32 with fixed shapes: what nnapi() does with any form, without what rounding changes. */
import { modelDigest } from "../../src/calibrate/digest.js";
import { emitGraph } from "../../src/emit/emit.js";
import type { FormMaker } from "../../src/nnapi/form.js";

/** @param model its name; by default that of its weights */
export function floatForm(model?: string): FormMaker {
  return async (weights, { chunk }) => ({
    model: model ?? (await modelDigest(weights)),
    key: "float32",
    emit: async (graph) => emitGraph(graph, weights, { accuracyLevel: 0, rows: chunk, attention: "grouped" }),
  });
}
