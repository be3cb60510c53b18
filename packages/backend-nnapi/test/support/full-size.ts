/** Steps of models of full size: their graphs need no weights, which are 4-bit and cannot be read. */
import { KV_BLOCK_ROWS, type KvPlan } from "@millet/core/backend";
import type { Graph } from "@millet/core/graph";
import { decompose } from "@millet/core/lower";
import { defineModel } from "@millet/core/models";
import { asOpNode } from "@millet/core/ops";
import { byteLength, type WeightSource } from "@millet/core/tensor";
import { SHAPES, tensorPlans } from "../../../../scripts/random-model/shapes.js";
import { canEmit } from "../../src/emit/emit.js";

export interface FullSize {
  /** The step that reads prompts. */
  readonly prompt: Graph;
  readonly kv: KvPlan;
  /** In 4 bits. */
  readonly weightBytes: number;
}

/** @param name of a shape of scripts/make-random-model.mjs */
export async function fullSize(name: string, contextTokens: number): Promise<FullSize> {
  const shape = SHAPES[name]!;
  const metadata = new Map<string, unknown>([
    ["general.architecture", "llama"],
    ["llama.block_count", shape.layers],
    ["llama.context_length", shape.context],
    ["llama.embedding_length", shape.hidden],
    ["llama.feed_forward_length", shape.ffn],
    ["llama.attention.head_count", shape.heads],
    ["llama.attention.head_count_kv", shape.kvHeads],
    ["llama.rope.dimension_count", shape.hidden / shape.heads],
    ["llama.rope.freq_base", shape.ropeTheta],
    ["llama.attention.layer_norm_rms_epsilon", shape.epsilon],
    ["llama.vocab_size", shape.vocab],
  ]);
  const weights = new Map(
    tensorPlans(shape).map(({ name, shape: dims, deviation }): [string, WeightSource] => [
      name,
      {
        spec: { dtype: deviation === undefined ? "f32" : "q4_0", shape: dims },
        readInto: () => Promise.reject(new Error(`${name} was read`)),
      },
    ]),
  );
  const definition = await defineModel({ metadata, weights, container: "gguf" });
  const blocks = Math.ceil(contextTokens / KV_BLOCK_ROWS);
  const limits = { tokens: 128, logits: 32, sequences: 1, blocksPerSequence: blocks, contextTokens };
  const prompt = decompose(definition.step({ name: "prompt", ...limits }), (node) => canEmit(asOpNode(node)));
  const kv = { ...definition.kv, dtype: "f32" as const, blockRows: KV_BLOCK_ROWS, maxBlocks: blocks };
  const weightBytes = [...weights.values()].reduce((sum, { spec }) => sum + byteLength(spec), 0);
  return { prompt, kv, weightBytes };
}
