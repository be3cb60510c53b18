/**
 * Finds the backend that serves a model: the first in the caller's order that can hold it. What a backend cannot do
 * makes the next one try; what is wrong with the model itself ends the search at once.
 */
import { isMilletError, MilletError, type MilletErrorCode, throwIfAborted } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import type { KvDType, KvPlan } from "../graph/kv.js";
import { decompose } from "../lower/decompose.js";
import type { WeightSources } from "../tensor/weights.js";
import type { Backend, BackendFactory, Estimate, GraphSet, LoadedModel, LoadProgress } from "./backend.js";

/** A KV cache to be served, with the most blocks that are wanted. */
export interface KvWish extends Omit<KvPlan, "dtype"> {
  /** The best first: a backend gets the first that it has. */
  readonly dtypes: readonly KvDType[];
}

/** A set of graphs, each made when it is looked at: a backend that refuses one never sees the rest. */
export type GraphMakers = Readonly<Record<string, () => Graph>>;

/** A model to be served. */
export interface ServeRequest {
  /** Sets that serve the same, the best first: a backend gets the first that it supports. */
  readonly graphs: readonly GraphMakers[];
  readonly weights: WeightSources;
  readonly kv: KvWish;
  /** Blocks without which the model is of no use. */
  readonly leastBlocks: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** A backend that was tried in vain, and why. */
export interface RejectedBackend {
  readonly name: string;
  readonly error: MilletError;
}

/** A backend with the model loaded; the caller disposes of the model, then of the backend. */
export interface Served {
  /** The one of the caller's that made the backend. */
  readonly factory: BackendFactory;
  readonly backend: Backend;
  readonly model: LoadedModel;
  readonly kv: KvPlan;
  readonly estimate: Estimate;
  readonly rejected: readonly RejectedBackend[];
}

/** Failures that are the backend's or the device's, not the model's. */
const BACKEND_CODES: ReadonlySet<MilletErrorCode> = new Set<MilletErrorCode>([
  "UNSUPPORTED_PLATFORM",
  "BACKEND_UNAVAILABLE",
  "BACKEND_LOST",
  "BACKEND_FAILED",
  "OUT_OF_MEMORY",
  "MODEL_TOO_LARGE",
  "GRAPH_UNSUPPORTED_OP",
  "KV_DTYPE_UNSUPPORTED",
  "CALIBRATION_MISSING",
  "CALIBRATION_INVALID",
  "CALIBRATION_MISMATCH",
  "ORT_RN_NOT_INSTALLED",
  "ORT_RN_BUFFER_LOAD_IGNORES_OPTIONS",
  "NNAPI_NODE_UNSUPPORTED",
  "NNAPI_DRIVER_REJECTED",
  "NNAPI_SLOWER_THAN_CPU",
  "NNAPI_REFERENCE_ONLY",
  "NNAPI_MEMORY_BUDGET",
]);

/**
 * Loads a model on the first backend that takes it. A backend that does not is disposed of again.
 * @throws MilletError ABORTED; what the model's files fail with; the error of a single backend as it is;
 *   BACKEND_UNAVAILABLE with all reasons if every one of several fails
 */
export async function serve(factories: readonly BackendFactory[], request: ServeRequest): Promise<Served> {
  const rejected: RejectedBackend[] = [];
  for (const factory of factories) {
    throwIfAborted(request.signal, "Loading the model");
    try {
      return { ...(await serveOn(factory, request)), rejected };
    } catch (error) {
      rejected.push({ name: factory.name, error: backendError(factory, error, request.signal) });
    }
  }
  throw noneServes(rejected);
}

async function serveOn(factory: BackendFactory, request: ServeRequest): Promise<Omit<Served, "rejected">> {
  const { signal, onProgress } = request;
  const options = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const backend = await factory.create(options);
  try {
    throwIfAborted(signal, "Loading the model");
    await backend.prepare?.(request.weights);
    const wanted = kvPlanFor(backend, request.kv);
    const graphs = supportedGraphs(request.graphs, backend);
    const { kv, estimate } = planMemory(backend, graphs, wanted, request.leastBlocks);
    const model = await backend.load(graphs, request.weights, kv, options);
    return { factory, backend, model, kv, estimate };
  } catch (error) {
    await backend.dispose();
    throw error;
  }
}

/** @throws MilletError KV_DTYPE_UNSUPPORTED */
export function kvPlanFor(
  { name, capabilities: { kvDTypes } }: Backend,
  { dtypes, ...shape }: KvWish,
): KvPlan {
  const dtype = dtypes.find((one) => kvDTypes.includes(one));
  if (dtype !== undefined) return { ...shape, dtype };
  throw new MilletError(
    "KV_DTYPE_UNSUPPORTED",
    `Backend ${name} keeps the KV cache as ${kvDTypes.join(" or ")}, not as ${dtypes.join(" or ")}. Set kvDType accordingly.`,
    { details: { backend: name, kvDType: dtypes[0], kvDTypes } },
  );
}

/** The first set that the backend supports, decomposed for it. @throws MilletError GRAPH_UNSUPPORTED_OP what the last set lacks */
export function supportedGraphs(sets: readonly GraphMakers[], backend: Backend): GraphSet {
  const [first, ...others] = sets;
  try {
    return decomposeAll(first!, backend);
  } catch (error) {
    const unsupported = isMilletError(error) && error.code === "GRAPH_UNSUPPORTED_OP";
    if (!unsupported || others.length === 0) throw error;
    return supportedGraphs(others, backend);
  }
}

function decomposeAll(graphs: GraphMakers, backend: Backend): GraphSet {
  const supports = backend.supports.bind(backend);
  return Object.fromEntries(
    Object.entries(graphs).map(([name, make]) => [name, decompose(make(), supports)]),
  );
}

/** The KV cache as wanted, or smaller where the backend's memory sets a limit. */
function planMemory(
  backend: Backend,
  graphs: GraphSet,
  kv: KvPlan,
  leastBlocks: number,
): { readonly kv: KvPlan; readonly estimate: Estimate } {
  const wanted = backend.estimate(graphs, kv);
  const limit = backend.capabilities.memoryLimitBytes ?? Number.POSITIVE_INFINITY;
  const fixedBytes = wanted.weightBytes + wanted.scratchBytes;
  if (fixedBytes + wanted.kvBytes <= limit) return { kv, estimate: wanted };
  const blocks = Math.floor((limit - fixedBytes) / (wanted.kvBytes / kv.maxBlocks));
  if (blocks < leastBlocks) throw tooLarge(backend, wanted, limit, leastBlocks / kv.maxBlocks);
  const smaller = { ...kv, maxBlocks: blocks };
  return { kv: smaller, estimate: backend.estimate(graphs, smaller) };
}

function tooLarge(backend: Backend, wanted: Estimate, limit: number, leastShare: number): MilletError {
  const { weightBytes, scratchBytes } = wanted;
  const kvBytes = Math.ceil(wanted.kvBytes * leastShare);
  return new MilletError(
    "MODEL_TOO_LARGE",
    `The model needs ${megabytes(weightBytes)} for weights, ${megabytes(kvBytes)} for the KV cache and ` +
      `${megabytes(scratchBytes)} besides; backend ${backend.name} has ${megabytes(limit)}. ` +
      "Load it with a smaller contextLength, or take a smaller model or quantization.",
    { details: { weightBytes, kvBytes, scratchBytes, memoryLimitBytes: limit } },
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/**
 * The reason why a backend does not serve.
 * @throws the error itself if another backend would not help
 */
function backendError(factory: BackendFactory, error: unknown, signal: AbortSignal | undefined): MilletError {
  throwIfAborted(signal, "Loading the model");
  if (isMilletError(error)) {
    if (BACKEND_CODES.has(error.code)) return error;
    throw error;
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new MilletError("BACKEND_FAILED", `Backend ${factory.name} failed while loading: ${reason}`, {
    cause: error,
  });
}

function noneServes(rejected: readonly RejectedBackend[]): MilletError {
  const [only, ...others] = rejected;
  if (only && others.length === 0) return only.error;
  const reasons = rejected.map(({ name, error }) => `${name}: ${error.message}`);
  return new MilletError("BACKEND_UNAVAILABLE", `No backend can serve the model. ${reasons.join(" ")}`, {
    cause: only?.error,
    details: { rejected: rejected.map(({ name, error }) => ({ name, code: error.code })) },
  });
}
