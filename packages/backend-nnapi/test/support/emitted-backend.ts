/** A backend on onnxruntime-node that emits as a test says, static graphs among others. */
import type { Backend } from "@millet/core/backend";
import ort from "onnxruntime-node";
import type { EmitOptions } from "../../src/emit/context.js";
import { emitGraph } from "../../src/emit/emit.js";
import { writeOnnx } from "../../src/onnx/write.js";
import { type OrtLike, onnxRuntime } from "../../src/onnx.js";
import { loadComputations, modelOf } from "../../src/onnx-backend/load.js";

export async function emittedBackend(
  emit: Partial<EmitOptions>,
  runtime: OrtLike = ort,
  shardBytes?: number,
): Promise<Backend> {
  const plain = await onnxRuntime({ ort: runtime, attention: "grouped" }).create();
  return {
    name: plain.name,
    capabilities: plain.capabilities,
    lost: plain.lost,
    supports: (node) => plain.supports(node),
    estimate: (graphs, kv) => plain.estimate(graphs, kv),
    async load(graphs, weights, kv) {
      const loader = {
        ort: runtime,
        shardBytes,
        emit: (graph: Parameters<typeof emitGraph>[0]) =>
          emitGraph(graph, weights, { accuracyLevel: 0, ...emit }),
        open: async (model: Parameters<typeof writeOnnx>[0]) =>
          runtime.InferenceSession.create(await writeOnnx(model).bytes(), { intraOpNumThreads: 1 }),
      };
      return modelOf(await loadComputations(graphs, weights, loader), kv);
    },
    dispose: () => plain.dispose(),
  };
}
