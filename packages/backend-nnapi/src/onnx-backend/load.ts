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
import { ChainSession } from "../shards/chain.js";
import { planShards, structureOf } from "../shards/plan.js";
import { OnnxState } from "./cache.js";
import type { Computation } from "./computation.js";
import { EmbeddingTable } from "./embedding-table.js";
import { type Enqueue, OnnxExecutable } from "./executable.js";
import { RotationTables } from "./rotation-tables.js";
import { type OnnxModelParts, SessionComputation } from "./session.js";

/** How graphs become sessions. */
export interface OnnxLoader {
  readonly ort: OrtLike;
  /** Most bytes of a model that is opened: larger ones become several, cut before attention. Default 2 GB, the format's limit. */
  readonly shardBytes?: number | undefined;
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
  const emitted = Object.values(graphs).map((graph) => loader.emit(graph));
  const chains = planShards(
    emitted.map(({ model }) => model),
    loader.shardBytes,
  );
  const embeddings = new Map(known);
  const parts: OnnxModelParts = { ort: loader.ort, embeddings, rotations: new RotationTables() };
  const totalBytes = constantBytes(chains.flat());
  const sessions = new Sessions(loader, (loadedBytes) => onProgress?.({ loadedBytes, totalBytes }));
  const computations: Record<string, Computation> = {};
  let tableBytes = 0;
  try {
    for (const [i, [name, graph]] of Object.entries(graphs).entries()) {
      const onnx = emitted[i]!;
      tableBytes += await readEmbeddings(onnx, weights, embeddings, signal);
      const session = await sessions.open(onnx.model, chains[i]!, signal);
      computations[name] = new SessionComputation(graph, onnx, session, parts);
    }
    const byteLength = sessions.byteLength + tableBytes;
    return { graphs, computations, embeddings, byteLength, release: () => sessions.release() };
  } catch (error) {
    await sessions.release();
    throw error;
  }
}

/** Open sessions by what they compute. */
class Sessions {
  byteLength = 0;
  readonly #loader: OnnxLoader;
  readonly #onBytes: (loadedBytes: number) => void;
  readonly #sessions = new Map<string, OrtSession>();

  constructor(loader: OnnxLoader, onBytes: (loadedBytes: number) => void) {
    this.#loader = loader;
    this.#onBytes = onBytes;
  }

  /** @param shards the model itself, or what it was cut into */
  async open(
    whole: OnnxModel,
    shards: readonly OnnxModel[],
    signal: AbortSignal | undefined,
  ): Promise<OrtSession> {
    const chain: [OnnxModel, OrtSession][] = [];
    for (const shard of shards) chain.push([shard, await this.#openShard(shard, signal)]);
    const [[, only] = [], ...others] = chain;
    return only && others.length === 0 ? only : new ChainSession(whole, chain);
  }

  async #openShard(shard: OnnxModel, signal: AbortSignal | undefined): Promise<OrtSession> {
    const key = structureOf(shard);
    const known = this.#sessions.get(key);
    if (known) return known;
    throwIfAborted(signal, "Loading the model");
    const session = await this.#loader.open(shard, signal);
    this.#sessions.set(key, session);
    this.byteLength += writeOnnx(shard).byteLength;
    this.#onBytes(this.byteLength);
    return session;
  }

  async release(): Promise<void> {
    const open = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(open.map((session) => session.release()));
  }
}

/** Bytes of models, equal ones once. */
function constantBytes(models: readonly OnnxModel[]): number {
  const distinct = new Map(models.map((model) => [structureOf(model), model]));
  return [...distinct.values()].reduce((sum, model) => sum + writeOnnx(model).byteLength, 0);
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
