/** The outputs of a call, put together from those of its steps; rows of padding are left out. */
import { type ActiveRows, outputSpec } from "@millet/core/backend";
import type { Graph } from "@millet/core/graph";
import { elementCount } from "@millet/core/tensor";
import type { Step } from "./steps.js";

export class Results {
  readonly whole = new Map<string, Float32Array>();
  readonly #graph: Graph;
  readonly #active: ActiveRows;

  constructor(graph: Graph, active: ActiveRows) {
    this.#graph = graph;
    this.#active = active;
  }

  add(step: Step, results: ReadonlyMap<string, Float32Array>): void {
    for (const [name, { rowAxis }] of Object.entries(this.#graph.outputs)) {
      const { shape } = outputSpec(this.#graph, name, this.#active);
      const length = elementCount(shape);
      const part = results.get(name)!;
      const rows = rowAxis === "logits" ? step.logits : step.tokens;
      if (rowAxis === "fixed" || (rows.length === shape[0] && part.length === length)) {
        this.whole.set(name, part);
        continue;
      }
      const target = this.whole.get(name) ?? new Float32Array(length);
      this.whole.set(name, target);
      const columns = length / (shape[0] || 1);
      rows.forEach((row, i) => target.set(part.subarray(i * columns, (i + 1) * columns), row * columns));
    }
  }
}
