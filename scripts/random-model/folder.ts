/** A random model as a Hugging Face folder: config.json, tokenizer.json and BF16 weights in shards, written piece by piece. */
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type SafetensorsContents, writeSafetensors } from "@millet/core/formats/safetensors";
import { type Shape, type TensorPlan, tensorPlans } from "./shapes.ts";
import { syntheticVocabulary } from "./tokenizer.ts";
import { randomNorm, randomWeights } from "./weights.ts";

/** GGUF's names of a layer's tensors -> Hugging Face's. */
const IN_LAYER: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};
const OUTSIDE: Readonly<Record<string, string>> = {
  "token_embd.weight": "model.embed_tokens.weight",
  "output_norm.weight": "model.norm.weight",
  "output.weight": "lm_head.weight",
};

function nameOf(name: string): string {
  const [, layer, part] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name) ?? [];
  return part === undefined ? OUTSIDE[name]! : `model.layers.${layer}.${IN_LAYER[part]}.weight`;
}

function contents({ name, shape, deviation }: TensorPlan, seed: number): SafetensorsContents {
  const elements = shape.reduce((a, b) => a * b);
  const own = nameOf(name);
  if (deviation === undefined)
    return { name: own, type: "F32", shape, data: () => [randomNorm(elements, seed, name)] };
  return {
    name: own,
    type: "BF16",
    shape,
    data: () => randomWeights("bf16", elements, deviation, seed, name),
  };
}

function config(shape: Shape) {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: shape.hidden,
    intermediate_size: shape.ffn,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    max_position_embeddings: shape.context,
    rms_norm_eps: shape.epsilon,
    rope_theta: shape.ropeTheta,
    vocab_size: shape.vocab,
    tie_word_embeddings: shape.tied,
    hidden_act: "silu",
    torch_dtype: "bfloat16",
    bos_token_id: 1,
    eos_token_id: 2,
  };
}

function tokenizer(vocab: number) {
  const { special, tokens, merges } = syntheticVocabulary(vocab);
  return {
    version: "1.0",
    added_tokens: special.map((content, id) => ({
      id,
      content,
      special: true,
      normalized: false,
      single_word: false,
      lstrip: false,
      rstrip: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      unk_token: null,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** Fills shards in order; none exceeds the limit unless a single tensor does. */
function groups(tensors: readonly TensorPlan[], maxShardBytes: number): TensorPlan[][] {
  const shards: TensorPlan[][] = [[]];
  let size = 0;
  for (const tensor of tensors) {
    const bytes = tensor.shape.reduce((a, b) => a * b, tensor.deviation === undefined ? 4 : 2);
    if (size + bytes > maxShardBytes && size > 0) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)!.push(tensor);
    size += bytes;
  }
  return shards;
}

/** Writes the folder, making it where it is not there. @returns bytes of the shards' data */
export async function writeRandomFolder(
  folder: string,
  { shape, seed, maxShardBytes }: { shape: Shape; seed: number; maxShardBytes: number },
): Promise<number> {
  if (shape.architecture)
    throw new Error(`Folders are of Llama's architecture only, not ${shape.architecture}.`);
  await mkdir(folder, { recursive: true });
  const shards = groups(tensorPlans(shape), maxShardBytes);
  const pad = (value: number) => String(value).padStart(5, "0");
  const map: Record<string, string> = {};
  let written = 0;
  for (const [i, tensors] of shards.entries()) {
    const name = `model-${pad(i + 1)}-of-${pad(shards.length)}.safetensors`;
    for (const tensor of tensors) map[nameOf(tensor.name)] = name;
    const file = await open(join(folder, name), "w");
    const write = async (bytes: Uint8Array) => {
      written += bytes.byteLength;
      await file.appendFile(bytes);
    };
    await writeSafetensors(
      write,
      tensors.map((tensor) => contents(tensor, seed)),
    ).finally(() => file.close());
  }
  const json = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  await json("model.safetensors.index.json", { metadata: { total_size: written }, weight_map: map });
  await json("config.json", config(shape));
  await json("tokenizer.json", tokenizer(shape.vocab));
  return written;
}
