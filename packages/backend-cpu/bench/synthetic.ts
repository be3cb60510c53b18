/** Llama-shaped models of random weights, for speed and memory: nothing is read, and the output means nothing. */

import type { DType, TensorSpec, WeightSource } from "@millet/core/tensor";
import { rawBytes } from "./bytes.js";

export interface Shape {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
}

/** The 135M class is SmolLM2's; 1.3B and 6.4B are the assumed shapes of MiLM, whose own were never published; all tied. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  "135m": { layers: 30, hidden: 576, heads: 9, kvHeads: 3, feedForward: 1536, vocabulary: 49152 },
  "1.3b": { layers: 24, hidden: 2048, heads: 16, kvHeads: 16, feedForward: 5632, vocabulary: 64000 },
  "6.4b": { layers: 30, hidden: 4096, heads: 32, kvHeads: 32, feedForward: 11008, vocabulary: 64000 },
};

export function syntheticModel(shape: Shape, dtype: DType) {
  const { layers, hidden, heads, kvHeads, feedForward, vocabulary } = shape;
  const kvWidth = (hidden / heads) * kvHeads;
  const weights = new Map<string, WeightSource>();
  const matrix = (name: string, rows: number, columns: number) =>
    weights.set(`${name}.weight`, sourceOf({ dtype, shape: [rows, columns] }));
  const vector = (name: string) => weights.set(`${name}.weight`, sourceOf({ dtype: "f32", shape: [hidden] }));
  matrix("token_embd", vocabulary, hidden);
  vector("output_norm");
  for (let i = 0; i < layers; i++) {
    const block = `blk.${i}.`;
    vector(`${block}attn_norm`);
    vector(`${block}ffn_norm`);
    matrix(`${block}attn_q`, hidden, hidden);
    matrix(`${block}attn_k`, kvWidth, hidden);
    matrix(`${block}attn_v`, kvWidth, hidden);
    matrix(`${block}attn_output`, hidden, hidden);
    matrix(`${block}ffn_gate`, feedForward, hidden);
    matrix(`${block}ffn_up`, feedForward, hidden);
    matrix(`${block}ffn_down`, hidden, feedForward);
  }
  const metadata = new Map<string, unknown>(
    Object.entries({
      "general.architecture": "llama",
      "llama.block_count": layers,
      "llama.embedding_length": hidden,
      "llama.feed_forward_length": feedForward,
      "llama.attention.head_count": heads,
      "llama.attention.head_count_kv": kvHeads,
      "llama.attention.layer_norm_rms_epsilon": 1e-5,
      "llama.context_length": 4096,
      "llama.vocab_size": vocabulary,
    }),
  );
  return { metadata, weights, container: "gguf" as const };
}

function sourceOf(spec: TensorSpec): WeightSource {
  return { spec, readInto: async (offset, target) => rawBytes(spec, offset, target) };
}
