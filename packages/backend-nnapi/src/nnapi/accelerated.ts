/** A model on ONNX Runtime's CPU provider whose prompts an accelerator computes, on the same KV cache. */
import type { GraphSet, KvPlan, LoadedModel, LoadOptions } from "@millet/core/backend";
import { type MilletError, throwIfAborted } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import type { WeightSources } from "@millet/core/tensor";
import type { OnnxModel } from "../onnx/model.js";
import { writeOnnx } from "../onnx/write.js";
import type { OnnxBackend } from "../onnx-backend/backend.js";
import type { Computation } from "../onnx-backend/computation.js";
import { type LoadedComputations, loadComputations, modelOf } from "../onnx-backend/load.js";
import { runtimeError } from "../onnx-backend/session.js";
import type { OrtLike, OrtSessionOptions } from "../runtime/ort.js";
import { withLimit } from "./contest.js";
import { Failover } from "./failover.js";
import type { PromptForm } from "./form.js";
import { rejected } from "./providers.js";
import { Joined, progressAfter, segmentsOf } from "./segments.js";
import type { ShardFiles } from "./shard-files.js";

export interface Accelerator {
  readonly ort: OrtLike;
  readonly session: OrtSessionOptions;
  readonly shards: ShardFiles;
  readonly form: PromptForm;
  /** Layers that it computes, from the first on. */
  readonly layers: number;
  /** Most bytes of a file. */
  readonly shardBytes: number;
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
  const { bodies, heads } = segmentsOf(graphs, accelerator.layers);
  const held: LoadedComputations[] = [];
  const release = async () => {
    await Promise.all(held.map((part) => part.release()));
  };
  const hold = async (part: Promise<LoadedComputations>): Promise<LoadedComputations> => {
    held.push(await part);
    return part;
  };
  const rest = () => progressAfter(options, byteLengthOf(held));
  try {
    const body = await hold(cpu.loadComputations(bodies, weights, options));
    const head = await hold(cpu.loadComputations(heads, weights, rest(), body.embeddings));
    const fast = await hold(loadFast(accelerator, bodies.prompt!, weights, rest(), body.embeddings));
    const failover = new Failover(fast.computations.prompt!, body.computations.prompt!, {
      ...accelerator,
      graph: bodies.prompt!,
      release: fast.release,
    });
    const first: Readonly<Record<string, Computation>> = { ...body.computations, prompt: failover };
    const computations = Object.entries(first).map(([name, computation]) => {
      const second = head.computations[name];
      return [name, second ? new Joined(computation, second) : computation] as const;
    });
    const { embeddings } = body;
    const byteLength = byteLengthOf(held);
    return modelOf(
      { graphs, computations: Object.fromEntries(computations), embeddings, byteLength, release },
      kv,
    );
  } catch (error) {
    await release();
    throw error;
  }
}

const byteLengthOf = (parts: readonly LoadedComputations[]) =>
  parts.reduce((sum, { byteLength }) => sum + byteLength, 0);

async function loadFast(
  accelerator: Accelerator,
  prompt: Graph,
  weights: WeightSources,
  options: LoadOptions,
  known: LoadedComputations["embeddings"],
): Promise<LoadedComputations> {
  const { ort, form, shardBytes } = accelerator;
  const emitted = await form.emit(prompt, options.signal);
  const loader = { ort, shardBytes, emit: () => emitted, open: opener(accelerator) };
  return loadComputations({ prompt }, weights, loader, options, known);
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
