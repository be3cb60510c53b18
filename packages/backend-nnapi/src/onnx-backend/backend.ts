/** A backend on ONNX Runtime, whichever the caller injects: core's graphs become ONNX models with dynamic rows. */
import type {
  Backend,
  BackendFactory,
  Capabilities,
  Estimate,
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
import type { ActivationScales } from "../calibrate/scales.js";
import type { EmitOptions } from "../emit/context.js";
import { canEmit, emitGraph } from "../emit/emit.js";
import { planQuantization } from "../emit/quantized/plan.js";
import type { OnnxModel } from "../onnx/model.js";
import { writeOnnx } from "../onnx/write.js";
import type { RuntimeFiles } from "../runtime/files.js";
import { guardedRuntime } from "../runtime/guard.js";
import type { OrtLike, OrtSession, OrtSessionOptions } from "../runtime/ort.js";
import { type LoadedComputations, loadComputations, modelOf, type OnnxLoader } from "./load.js";
import { whyNotInPlace } from "./probe-in-place.js";
import { runtimeError } from "./session.js";

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
  /**
   * "grouped": attention over a KV cache that the runtime updates in place, by its operator GroupQueryAttention, where the
   * model allows it. "general": the cache passes as inputs and outputs. Default: "grouped" if the runtime turns out to do
   * so, else "general", and `capabilities.limitations` says why.
   */
  readonly attention?: "grouped" | "general" | undefined;
  /**
   * Where models are written for the runtime to open them by their path, one at a time and not for long.
   * onnxruntime-react-native needs it for `session` to count. Default: models go to the runtime from memory.
   */
  readonly files?: Pick<RuntimeFiles, "path" | "write" | "remove"> | undefined;
  /**
   * Most bytes of a model that goes to the runtime at a time, and so of what loading takes in JavaScript's memory: larger ones
   * are cut between layers, which takes a little time in every step. Default 2 GB, the most that the format allows.
   */
  readonly shardBytes?: number | undefined;
  /**
   * Dense layers by uint8 products with fixed scales, which `calibrate` of @millet/backend-nnapi measured: what NNAPI computes,
   * on any runtime. Loading fails with CALIBRATION_MISMATCH if they are of another model. Default: none.
   */
  readonly calibration?: ActivationScales | undefined;
}

const MODEL_FILE = "millet-model.onnx";

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
      const ort = guardedRuntime(options.ort);
      if (options.attention !== undefined) return new OnnxBackend({ ...options, ort });
      const reason = await whyNotInPlace(ort, (model) => openModel({ ...options, ort }, model));
      const attention = reason === undefined ? "grouped" : "general";
      return new OnnxBackend({ ...options, ort, attention }, reason === undefined ? [] : [reason]);
    },
  };
}

export class OnnxBackend implements Backend {
  readonly name = "onnx";
  readonly capabilities: Capabilities;
  readonly lost = new Promise<MilletError>(() => {});
  readonly #options: OnnxRuntimeOptions;

  /** @param limitations what is known of the runtime; full sentences */
  constructor(options: OnnxRuntimeOptions, limitations: readonly string[] = []) {
    this.#options = options;
    const providers = options.session?.executionProviders ?? ["cpu"];
    const names = providers.map((provider) => (typeof provider === "string" ? provider : provider.name));
    this.capabilities = {
      description: `ONNX Runtime on ${names.join(", ")}`,
      engine: "onnxruntime",
      threads: options.session?.intraOpNumThreads ?? 1,
      memoryLimitBytes: undefined,
      kvDTypes: ["f32"],
      limitations: [
        ...limitations,
        ...(options.attention === "general"
          ? []
          : ["Sequences that run side by side take a step each, one after the other."]),
      ],
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
    loadOptions?: LoadOptions,
  ): Promise<LoadedModel> {
    return modelOf(await this.loadComputations(graphs, weights, loadOptions), kv);
  }

  async loadComputations(
    graphs: GraphSet,
    weights: WeightSources,
    loadOptions?: LoadOptions,
    known?: LoadedComputations["embeddings"],
  ): Promise<LoadedComputations> {
    const { activations, attention = "grouped" } = this.#options;
    const options: EmitOptions = {
      accuracyLevel: activations === "float32" ? 0 : 4,
      attention,
      quantization: await this.#quantization(graphs, weights, loadOptions?.signal),
    };
    const loader: OnnxLoader = {
      ort: this.#options.ort,
      shardBytes: this.#options.shardBytes,
      emit: (graph) => emitGraph(graph, weights, options),
      open: (model, signal) => openModel(this.#options, model, signal),
    };
    return loadComputations(graphs, weights, loader, loadOptions, known);
  }

  async #quantization(graphs: GraphSet, weights: WeightSources, signal: AbortSignal | undefined) {
    const { calibration } = this.#options;
    return calibration && planQuantization(Object.values(graphs), weights, calibration, { signal });
  }

  async dispose(): Promise<void> {}
}

/** A session by path where there are files, else from memory. */
export async function openModel(
  { files, session, ort }: OnnxRuntimeOptions,
  model: OnnxModel,
  signal?: AbortSignal,
): Promise<OrtSession> {
  const file = writeOnnx(model);
  const bytes = files ? undefined : await file.bytes();
  await files?.write(MODEL_FILE, file.chunks());
  throwIfAborted(signal, "Loading the model");
  try {
    if (bytes) return await ort.InferenceSession.create(bytes, session);
    return await ort.InferenceSession.create(files!.path(MODEL_FILE), session);
  } catch (error) {
    throw runtimeError(`open graph "${model.graph.name}"`, error);
  } finally {
    await files?.remove(MODEL_FILE);
  }
}
