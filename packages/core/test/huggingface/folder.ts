/** A tiny Llama as a Hugging Face folder in memory. */
import type { SafetensorsContents } from "../../src/formats/safetensors/index.js";
import { makeSafetensors, tensor } from "../safetensors/make.js";

export const CONFIG = {
  model_type: "llama",
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  vocab_size: 258,
  rope_theta: 10_000,
  hidden_act: "silu",
  tie_word_embeddings: false,
  eos_token_id: 257,
} as const;

const LAYER = "model.layers.0.";

/** [name, shape] of every tensor. */
export const SHAPES: readonly (readonly [string, readonly number[]])[] = [
  ["lm_head.weight", [258, 64]],
  ["model.embed_tokens.weight", [258, 64]],
  [`${LAYER}input_layernorm.weight`, [64]],
  [`${LAYER}mlp.down_proj.weight`, [64, 96]],
  [`${LAYER}mlp.gate_proj.weight`, [96, 64]],
  [`${LAYER}mlp.up_proj.weight`, [96, 64]],
  [`${LAYER}post_attention_layernorm.weight`, [64]],
  [`${LAYER}self_attn.k_proj.weight`, [32, 64]],
  [`${LAYER}self_attn.o_proj.weight`, [64, 64]],
  [`${LAYER}self_attn.q_proj.weight`, [64, 64]],
  [`${LAYER}self_attn.v_proj.weight`, [32, 64]],
  ["model.norm.weight", [64]],
];

export const TENSORS: readonly SafetensorsContents[] = SHAPES.map(([name, shape], seed) =>
  tensor(name, "BF16", shape, seed + 1),
);

export const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Files by name; those of `changes` replace others, undefined removes them. */
export async function makeFolder(
  changes: Readonly<Record<string, Uint8Array<ArrayBuffer> | undefined>> = {},
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const files = {
    "config.json": json(CONFIG),
    "model.safetensors": await makeSafetensors(TENSORS),
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(files).flatMap(([name, bytes]) => (bytes === undefined ? [] : [[name, bytes]])),
  );
}

export function filesOf(folder: Readonly<Record<string, Uint8Array>>) {
  return { files: Object.entries(folder).map(([name, location]) => ({ name, location })) };
}
