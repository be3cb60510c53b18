/**
 * A model's graphs in two segments, cut after the same layer: what an accelerator may compute and what stays on the CPU. Each
 * segment is loaded once, so that an accelerated body takes the place of the CPU's without a third copy of any weight.
 */
import type { GraphSet, LoadOptions } from "@millet/core/backend";
import type { Graph } from "@millet/core/graph";
import { type HostTensor, tensorOf } from "@millet/core/tensor";
import type { Computation, Turn } from "../onnx-backend/computation.js";
import { after, before, HIDDEN, type LayerCut, layerCuts } from "./layers.js";

/** The two parts of each graph; a graph without the place is its own body. */
export interface Segments {
  readonly bodies: GraphSet;
  readonly heads: GraphSet;
}

/** @param layers of each graph that its body has */
export function segmentsOf(graphs: GraphSet, layers: number): Segments {
  const bodies: Record<string, Graph> = {};
  const heads: Record<string, Graph> = {};
  for (const [name, graph] of Object.entries(graphs)) {
    const cut = cutAfter(graph, layers);
    bodies[name] = cut ? before(graph, cut) : graph;
    if (cut) heads[name] = after(graph, cut);
  }
  return { bodies, heads };
}

/** The place after so many layers, if there is one. */
export function cutAfter(graph: Graph, layers: number): LayerCut | undefined {
  return layerCuts(graph).find((cut) => cut.layers === layers);
}

/** One computation after the other: the first one's hidden states are an input of the second. */
export class Joined implements Computation {
  readonly #body: Computation;
  readonly #head: Computation;

  constructor(body: Computation, head: Computation) {
    this.#body = body;
    this.#head = head;
  }

  async compute(turn: Turn): Promise<ReadonlyMap<string, Float32Array>> {
    const hidden = (await this.#body.compute(turn)).get(HIDDEN)!;
    const { tokens } = turn.rows;
    const states: HostTensor = tensorOf("f32", [tokens, hidden.length / Math.max(tokens, 1)], hidden);
    return this.#head.compute({ ...turn, inputs: { ...turn.inputs, [HIDDEN]: states } });
  }

  toString(): string {
    return `${this.#body}\n${this.#head}`;
  }
}

/** Options for a part that is loaded after others: its progress goes on from theirs. */
export function progressAfter(options: LoadOptions, loadedBytes: number): LoadOptions {
  const { onProgress } = options;
  if (!onProgress) return options;
  return {
    ...options,
    onProgress: (progress) =>
      onProgress({
        loadedBytes: loadedBytes + progress.loadedBytes,
        totalBytes: loadedBytes + progress.totalBytes,
      }),
  };
}
