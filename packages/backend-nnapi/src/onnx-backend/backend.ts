/**
 * A backend on ONNX Runtime, whichever the caller injects: core's graphs become ONNX models with dynamic rows. Graphs that
 * differ in their sizes alone share one session and its weights; those that differ otherwise (generation and embedding)
 * have each their own.
 */
import type {
  Backend,
  BackendFactory,
  Capabilities,
  Estimate,
  Executable,
  GraphSet,
  KvPlan,
  LoadedModel,
  LoadOptions,
} from "@millet/core/backend";
import { kvElementsPerRow } from "@millet/core/backend";
import { MilletError, throwIfAborted } from "@millet/core/errors";
import type { Node } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";
import { byteLength, type WeightSources } from "@millet/core/tensor";
import type { EmitOptions } from "../emit/context.js";
import { canEmit, type EmittedGraph, emitGraph } from "../emit/emit.js";
import type { OnnxModel } from "../onnx/model.js";
import { writeOnnx } from "../onnx/write.js";
import type { OrtLike, OrtSession, OrtSessionOptions } from "../runtime/ort.js";
import { OnnxState } from "./cache.js";
import { EmbeddingTable } from "./embedding-table.js";
import { type Enqueue, OnnxExecutable } from "./executable.js";
import { type OnnxModelParts, runtimeError, SessionComputation } from "./session.js";

export interface OnnxRuntimeOptions {
  /** The runtime: onnxruntime-node, onnxruntime-web, onnxruntime-react-native, or any other of their kind. */
  readonly ort: OrtLike;
  /** Passed to the runtime as they are; by default it takes the CPU. */
  readonly session?: OrtSessionOptions | undefined;
  /**
   * "float32": products of quantized weights are computed in float32. "int8": activations are rounded to 8 bits in blocks
   * of 32, several times faster on most processors. Default "int8".
   */
  readonly activations?: "float32" | "int8" | undefined;
}

/** A backend for `loadModel` that computes with ONNX Runtime. */
export function onnxRuntime(options: OnnxRuntimeOptions): BackendFactory {
  return {
    name: "onnx",
    async create() {
      if (typeof options?.ort?.InferenceSession?.create !== "function") {
        throw new MilletError(
          "INVALID_ARGUMENT",
          'onnxRuntime() needs a runtime: onnxRuntime({ ort }) with `import * as ort from "onnxruntime-node"`.',
        );
      }
      return new OnnxBackend(options);
    },
  };
}

class OnnxBackend implements Backend {
  readonly name = "onnx";
  readonly capabilities: Capabilities;
  readonly lost = new Promise<MilletError>(() => {});
  readonly #options: OnnxRuntimeOptions;

  constructor(options: OnnxRuntimeOptions) {
    this.#options = options;
    const providers = options.session?.executionProviders ?? ["cpu"];
    const names = providers.map((provider) => (typeof provider === "string" ? provider : provider.name));
    this.capabilities = {
      description: `ONNX Runtime on ${names.join(", ")}`,
      engine: "onnxruntime",
      threads: options.session?.intraOpNumThreads ?? 1,
      memoryLimitBytes: undefined,
      kvDTypes: ["f32"],
      limitations: ["Keys and values are copied between JavaScript and the runtime in every step."],
    };
  }

  supports(node: Node): boolean {
    return canEmit(asOpNode(node));
  }

  estimate(graphs: GraphSet, kv: KvPlan): Estimate {
    const weights = new Map(Object.values(graphs).flatMap((graph) => Object.entries(graph.weights)));
    return {
      weightBytes: [...weights.values()].reduce((sum, { spec }) => sum + byteLength(spec), 0),
      kvBytes: kvElementsPerRow(kv) * 4 * kv.blockRows * kv.maxBlocks,
      scratchBytes: 0,
    };
  }

  async load(
    graphs: GraphSet,
    weights: WeightSources,
    kv: KvPlan,
    { signal, onProgress }: LoadOptions = {},
  ): Promise<LoadedModel> {
    const options: EmitOptions = { accuracyLevel: this.#options.activations === "float32" ? 0 : 4 };
    const sessions = new Map<string, OrtSession>();
    const embeddings = new Map<string, EmbeddingTable>();
    const queue = new Queue();
    const parts: OnnxModelParts = { ort: this.#options.ort, embeddings };
    const enqueue: Enqueue = (work) => queue.enqueue(work);
    let loadedBytes = 0;
    const release = async () => {
      await Promise.all([...sessions.values()].map((session) => session.release()));
      sessions.clear();
    };
    try {
      const executables: Record<string, Executable> = {};
      for (const [name, graph] of Object.entries(graphs)) {
        throwIfAborted(signal, "Loading the model");
        const emitted = emitGraph(graph, weights, options);
        await readEmbeddings(emitted, weights, embeddings, signal);
        const key = structureOf(emitted.model);
        const session = sessions.get(key) ?? (await this.#open(emitted.model, signal));
        if (!sessions.has(key)) loadedBytes += writeOnnx(emitted.model).byteLength;
        sessions.set(key, session);
        executables[name] = new OnnxExecutable(
          graph,
          new SessionComputation(emitted, session, parts),
          enqueue,
        );
        onProgress?.({ loadedBytes, totalBytes: loadedBytes });
      }
      for (const table of embeddings.values()) loadedBytes += table.byteLength;
      return {
        byteLength: loadedBytes,
        executables,
        createState: () => new OnnxState(kv, enqueue),
        dispose: () => queue.close(release),
      };
    } catch (error) {
      await release();
      throw error;
    }
  }

  async #open(model: OnnxModel, signal: AbortSignal | undefined): Promise<OrtSession> {
    const bytes = await writeOnnx(model).bytes();
    throwIfAborted(signal, "Loading the model");
    try {
      return await this.#options.ort.InferenceSession.create(bytes, this.#options.session);
    } catch (error) {
      throw runtimeError(`open graph "${model.graph.name}"`, error);
    }
  }

  async dispose(): Promise<void> {}
}

async function readEmbeddings(
  { feeds }: EmittedGraph,
  weights: WeightSources,
  tables: Map<string, EmbeddingTable>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { weight } of feeds.embeddings) {
    const source = weights.get(weight);
    if (!source) throw new MilletError("MODEL_TENSOR_MISSING", `The model has no tensor "${weight}".`);
    if (!tables.has(weight)) tables.set(weight, await EmbeddingTable.read(source, signal));
  }
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
