/**
 * What a backend promises to core: it compiles graphs together with their weights into executables and keeps the
 * KV cache. Interfaces only; backends live in packages of their own and import this file through
 * `@millet/core/backend`.
 */
import type { MilletError } from "../errors.js";
import type { Graph, Node } from "../graph/graph.js";
import type { KvPlan, KvSnapshot } from "../graph/kv.js";
import type { HostTensor, TensorSpec } from "../tensor/tensor.js";
import type { WeightSources } from "../tensor/weights.js";

/** Makes a backend: what an app passes to `loadModel`. Creating the factory itself does nothing yet. */
export interface BackendFactory {
  readonly name: string;
  /** @throws MilletError BACKEND_UNAVAILABLE with the reason if this machine cannot run it */
  create(options?: { readonly signal?: AbortSignal }): Promise<Backend>;
}

/** What a backend can do on this machine, for reports and planning. */
export interface Capabilities {
  /** One line for people: engine, instruction set, device. */
  readonly description: string;
  /** Which of the backend's engines serves, where it has several: "wasm". */
  readonly engine?: string | undefined;
  readonly threads: number;
  /** Most bytes of weights and cache it can hold, if known. */
  readonly memoryLimitBytes: number | undefined;
  readonly kvDTypes: readonly KvPlan["dtype"][];
  /** What is off or slower than it could be, and why; each a full sentence. */
  readonly limitations: readonly string[];
  /** What it chose among ways that would all do, and how it came to it; each a full sentence. */
  readonly choices?: readonly string[] | undefined;
}

/** Graphs of one model by name ("decode", "prompt"); they share weights and the KV cache. */
export type GraphSet = Readonly<Record<string, Graph>>;

/** Bytes that loading will need. */
export interface Estimate {
  readonly weightBytes: number;
  /** The KV cache if its whole capacity is used. */
  readonly kvBytes: number;
  readonly scratchBytes: number;
}

export interface LoadOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** Bytes of weights read so far and in total. */
export interface LoadProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

export interface Backend {
  readonly name: string;
  readonly capabilities: Capabilities;
  /**
   * Settles when the device or its workers go away for good; never rejects. Pending while all is well. Then calls and
   * reads fail with BACKEND_LOST, and core disposes of models and backend and creates another.
   */
  readonly lost: Promise<MilletError>;
  /** Whether a node can be compiled as it is. If not, core decomposes it or the load fails with its name. */
  supports(node: Node): boolean;
  /**
   * Names the weights that are loaded next, before there are graphs for them: for backends that can begin with what takes
   * long. Resolves at once; what goes wrong shows when they are loaded.
   */
  prepare?(weights: WeightSources): Promise<void>;
  /** What a model will need, before anything is read. */
  estimate(graphs: GraphSet, kv: KvPlan): Estimate;
  /**
   * Reads and packs the weights and compiles the graphs.
   * @throws MilletError GRAPH_UNSUPPORTED_OP, MODEL_TOO_LARGE, OUT_OF_MEMORY, SOURCE_*, ABORTED; nothing stays behind
   */
  load(graphs: GraphSet, weights: WeightSources, kv: KvPlan, options?: LoadOptions): Promise<LoadedModel>;
  dispose(): Promise<void>;
}

/** A file in which a backend keeps a model's packed weights between loads. */
export interface PackedFileReport {
  /** "used": the weights came from it. "written": they did not, and the next load's will. "none": there is no such file. */
  readonly state: "used" | "written" | "none";
  readonly path?: string | undefined;
  /** Why an existing file was not used, or none could be written; full sentences. */
  readonly problems: readonly string[];
}

export interface LoadedModel {
  /** Bytes of packed weights. */
  readonly byteLength: number;
  /** Present if the backend was asked to keep packed weights. */
  readonly packedFile?: PackedFileReport | undefined;
  readonly executables: Readonly<Record<string, Executable>>;
  /** An empty KV cache by the plan given to `load`. */
  createState(): State;
  dispose(): Promise<void>;
}

/** A KV cache in blocks of rows. Which block belongs to which sequence is the caller's business. */
export interface State {
  readonly plan: KvPlan;
  /**
   * Makes memory for blocks 0 .. `blocks` - 1 exist; rows keep what they hold.
   * @throws MilletError OUT_OF_MEMORY; the state stays usable
   */
  reserve(blocks: number): Promise<void>;
  /** Copies `count` rows of all layers within the cache, ordered with the runs around it. */
  copy(fromRow: number, toRow: number, count: number): Promise<void>;
  /** Rows in canonical order and float32. */
  read(firstRow: number, count: number): Promise<KvSnapshot>;
  write(firstRow: number, snapshot: KvSnapshot): Promise<void>;
  dispose(): void;
}

export interface Call {
  /**
   * A tensor per graph input. The first dimension of inputs by `tokens` or `logits` may be shorter than the graph's;
   * all inputs of one axis agree. An output of an earlier call of the same model may stand for a tensor, where the backend
   * says so by supporting the op `sample`: nothing waits for it, and a call fails if the one that makes it did. Indices
   * that only the device knows must not make it read or write outside its memory, whatever they are.
   */
  readonly inputs: Readonly<Record<string, HostTensor | DeviceBuffer>>;
  readonly state?: State;
  /** Aborts a running call: its outputs then fail with ABORTED and the rows it wrote are undefined. */
  readonly signal?: AbortSignal;
}

export interface Executable {
  readonly graph: Graph;
  /** Enqueues and returns; calls run in order; failures surface at `read()`. */
  run(call: Call): Readonly<Record<string, DeviceBuffer>>;
  /** The compiled program as readable text. */
  toString(): string;
}

/**
 * An output of one call. It keeps its value, whatever runs after it, until it is read or disposed of; one of them must
 * happen. Being the input of a call does not consume it, and it may be read or disposed of as soon as `run` has taken it.
 */
export interface DeviceBuffer {
  /** With the rows that the call used, not the graph's maximum. */
  readonly spec: TensorSpec;
  /**
   * Waits for the call and returns its result; only once. The transfer is queued at once, before the runs that follow.
   * @throws MilletError ABORTED, BACKEND_LOST, BACKEND_FAILED, OUT_OF_MEMORY; DISPOSED if read or disposed of before
   */
  read(): Promise<HostTensor>;
  /** Without effect after the first time, and after `read`. */
  dispose(): void;
}
