/** A model on ONNX Runtime's CPU provider whose prompts an accelerator computes, on the same KV cache. */
import type { GraphSet, KvPlan, LoadedModel, LoadOptions } from "@millet/core/backend";
import { type MilletError, throwIfAborted } from "@millet/core/errors";
import type { WeightSources } from "@millet/core/tensor";
import type { OnnxModel } from "../onnx/model.js";
import { writeOnnx } from "../onnx/write.js";
import type { OnnxBackend } from "../onnx-backend/backend.js";
import { loadComputations, modelOf } from "../onnx-backend/load.js";
import { runtimeError } from "../onnx-backend/session.js";
import type { OrtLike, OrtSessionOptions } from "../runtime/ort.js";
import { withLimit } from "./contest.js";
import { Failover } from "./failover.js";
import type { PromptForm } from "./form.js";
import { rejected } from "./providers.js";
import type { ShardFiles } from "./shard-files.js";

export interface Accelerator {
  readonly ort: OrtLike;
  readonly session: OrtSessionOptions;
  readonly shards: ShardFiles;
  readonly form: PromptForm;
  /** Fewer tokens go to the CPU. */
  readonly leastTokens: number;
  /** Told when it fails while it is in use; the model goes on without it unless this throws. */
  readonly onFailure: (error: MilletError) => void;
}

/**
 * @param cpu the backend that computes everything but prompts
 * @throws MilletError what either part fails with; nothing stays behind but files
 */
export async function loadAccelerated(
  cpu: OnnxBackend,
  graphs: GraphSet,
  weights: WeightSources,
  kv: KvPlan,
  accelerator: Accelerator,
  options: LoadOptions,
): Promise<LoadedModel> {
  const prompt = graphs.prompt!;
  const safe = await cpu.loadComputations(graphs, weights, options);
  try {
    const { ort, form, leastTokens, onFailure } = accelerator;
    const loader = { ort, emit: () => form.emit(prompt), open: opener(accelerator) };
    const signal = options.signal && { signal: options.signal };
    const fast = await loadComputations({ prompt }, weights, loader, signal, safe.embeddings);
    const failover = new Failover(fast.computations.prompt!, safe.computations.prompt!, {
      graph: prompt,
      leastTokens,
      onFailure,
      release: fast.release,
    });
    const both = {
      ...safe,
      computations: { ...safe.computations, prompt: failover },
      byteLength: safe.byteLength + fast.byteLength,
      release: async () => {
        await Promise.all([safe.release(), fast.release()]);
      },
    };
    return modelOf(both, kv);
  } catch (error) {
    await safe.release();
    throw error;
  }
}

/** Writes a shard, unless an earlier load did, and opens it. */
function opener({ ort, shards, session }: Accelerator) {
  return async (model: OnnxModel, signal: AbortSignal | undefined) => {
    const path = await shards.add(writeOnnx(model));
    throwIfAborted(signal, "Loading the model");
    try {
      return await withLimit(ort.InferenceSession.create(path, session));
    } catch (error) {
      throw rejected(runtimeError("open a shard", error), "The accelerator does not take the model");
    }
  };
}
