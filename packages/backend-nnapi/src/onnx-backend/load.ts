/**
 * Graphs as computations on sessions: each is emitted and opened in the way that the caller names, and graphs that differ in
 * their sizes alone share one session and its weights.
 */
import type { GraphSet, KvPlan, LoadedModel, LoadOptions } from "@millet/core/backend";
import { MilletError, throwIfAborted } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import type { WeightSources } from "@millet/core/tensor";
import type { EmittedGraph } from "../emit/emit.js";
import type { OnnxModel } from "../onnx/model.js";
import { writeOnnx } from "../onnx/write.js";
import type { OrtLike, OrtSession } from "../runtime/ort.js";
import { OnnxState } from "./cache.js";
import type { Computation } from "./computation.js";
import { EmbeddingTable } from "./embedding-table.js";
import { type Enqueue, OnnxExecutable } from "./executable.js";
import { RotationTables } from "./rotation-tables.js";
import { type OnnxModelParts, SessionComputation } from "./session.js";

/** How graphs become sessions. */
export interface OnnxLoader {
  readonly ort: OrtLike;
  emit(graph: Graph): EmittedGraph;
  /** @throws MilletError with what the runtime fails with */
  open(model: OnnxModel, signal: AbortSignal | undefined): Promise<OrtSession>;
}

/** Graphs that can be computed, and what they hold. */
export interface LoadedComputations {
  readonly graphs: GraphSet;
  readonly computations: Readonly<Record<string, Computation>>;
  readonly embeddings: ReadonlyMap<string, EmbeddingTable>;
  /** Bytes of constants and of embeddings that it read itself. */
  readonly byteLength: number;
  release(): Promise<void>;
}

/**
 * @param known embeddings that are in memory already
 * @throws MilletError what emitting and opening throw; nothing stays behind
 */
export async function loadComputations(
  graphs: GraphSet,
  weights: WeightSources,
  loader: OnnxLoader,
  { signal, onProgress }: LoadOptions = {},
  known: ReadonlyMap<string, EmbeddingTable> = new Map(),
): Promise<LoadedComputations> {
  const sessions = new Map<string, OrtSession>();
  const embeddings = new Map(known);
  const parts: OnnxModelParts = { ort: loader.ort, embeddings, rotations: new RotationTables() };
  const computations: Record<string, Computation> = {};
  let byteLength = 0;
  const release = async () => {
    const open = [...sessions.values()];
    sessions.clear();
    await Promise.all(open.map((session) => session.release()));
  };
  try {
    for (const [name, graph] of Object.entries(graphs)) {
      throwIfAborted(signal, "Loading the model");
      const emitted = loader.emit(graph);
      byteLength += await readEmbeddings(emitted, weights, embeddings, signal);
      const key = structureOf(emitted.model);
      const session = sessions.get(key) ?? (await loader.open(emitted.model, signal));
      if (!sessions.has(key)) byteLength += writeOnnx(emitted.model).byteLength;
      sessions.set(key, session);
      computations[name] = new SessionComputation(graph, emitted, session, parts);
      onProgress?.({ loadedBytes: byteLength, totalBytes: byteLength });
    }
    return { graphs, computations, embeddings, byteLength, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** A model of these computations, whose calls run one after the other. It owns them. */
export function modelOf(
  { graphs, computations, byteLength, release }: LoadedComputations,
  kv: KvPlan,
): LoadedModel {
  const queue = new Queue();
  const enqueue: Enqueue = (work) => queue.enqueue(work);
  const executables = Object.entries(graphs).map(
    ([name, graph]) => [name, new OnnxExecutable(graph, computations[name]!, enqueue)] as const,
  );
  return {
    byteLength,
    executables: Object.fromEntries(executables),
    createState: () => new OnnxState(kv, enqueue),
    dispose: () => queue.close(release),
  };
}

/** @returns bytes that were read */
async function readEmbeddings(
  { feeds }: EmittedGraph,
  weights: WeightSources,
  tables: Map<string, EmbeddingTable>,
  signal: AbortSignal | undefined,
): Promise<number> {
  let byteLength = 0;
  for (const { weight } of feeds.embeddings) {
    const source = weights.get(weight);
    if (!source) throw new MilletError("MODEL_TENSOR_MISSING", `The model has no tensor "${weight}".`);
    if (tables.has(weight)) continue;
    const table = await EmbeddingTable.read(source, signal);
    tables.set(weight, table);
    byteLength += table.byteLength;
  }
  return byteLength;
}

/** Equal for models that compute the same from the same weights: all of the graph but its name and the constants' data. */
function structureOf({ graph: { nodes, inputs, outputs, initializers } }: OnnxModel): string {
  const constants = initializers.map(({ name, dtype, dims }) => [name, dtype, dims]);
  return JSON.stringify([nodes, inputs, outputs, constants]);
}

/** Work of one model, one after the other. */
class Queue {
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  enqueue<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#isClosed) throw new MilletError("DISPOSED", "The model was disposed; load it again.");
      return work();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** After what is queued; closing twice is fine. */
  async close(release: () => Promise<void>): Promise<void> {
    await this.#last;
    this.#isClosed = true;
    await release();
  }
}
