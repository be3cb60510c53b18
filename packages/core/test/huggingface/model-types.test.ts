/** Model types whose names or values differ most: GPT-2's transposed matrices, BERT, RoBERTa's positions, Gemma 3 as released. */
import { expect, it } from "vitest";
import { openContainer } from "../../src/formats/index.js";
import { dequantize, quantize } from "../../src/quant/index.js";
import { openSource } from "../../src/store/index.js";
import { byteLength } from "../../src/tensor/tensor.js";
import type { WeightSource } from "../../src/tensor/weights.js";
import { makeSafetensors, tensor } from "../safetensors/make.js";
import { filesOf, json } from "./folder.js";

async function open(
  config: object,
  shapes: Readonly<Record<string, number[]>>,
  quantize: "none" | "q8_0" = "none",
  others: Record<string, Uint8Array> = {},
) {
  const tensors = Object.entries(shapes).map(([name, shape], i) => tensor(name, "F32", shape, i + 1));
  const files = {
    "config.json": json(config),
    "model.safetensors": await makeSafetensors(tensors),
    ...others,
  };
  const file = await openContainer(await openSource(filesOf(files)), { quantize });
  const values = (name: string) => {
    const { data } = tensors.find((candidate) => candidate.name === name)!;
    return dequantize("f32", data as Uint8Array);
  };
  return { file, values };
}

async function bytesOf(weight: WeightSource): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength(weight.spec));
  await weight.readInto(0, bytes);
  return bytes;
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
}

const GPT2 = { model_type: "gpt2", n_embd: 64, n_layer: 1, n_head: 4, n_positions: 32, vocab_size: 40 };
const GPT2_SHAPES = {
  "transformer.wte.weight": [40, 64],
  "transformer.wpe.weight": [32, 64],
  "transformer.h.0.ln_1.weight": [64],
  "transformer.h.0.ln_1.bias": [64],
  "transformer.h.0.attn.bias": [1, 1, 32, 32],
  "transformer.h.0.attn.c_attn.weight": [64, 192],
  "transformer.h.0.attn.c_attn.bias": [192],
  "transformer.h.0.mlp.c_fc.weight": [40, 160],
  "transformer.ln_f.weight": [64],
};

it("GPT-2: matrices are transposed, learned positions stay exact", async () => {
  for (const quantization of ["none", "q8_0"] as const) {
    const { file, values } = await open({ ...GPT2, layer_norm_epsilon: 1e-5 }, GPT2_SHAPES, quantization);
    expect(Object.fromEntries(file.metadata)).toMatchObject({
      "general.architecture": "gpt2",
      "gpt2.feed_forward_length": 256,
      "gpt2.context_length": 32,
      "gpt2.attention.layer_norm_epsilon": 1e-5,
    });
    expect(file.weights.has("output.weight")).toBe(false);
    const attention = file.weights.get("blk.0.attn_qkv.weight")!;
    const dtype = quantization === "none" ? "f32" : "q8_0";
    expect(attention.spec).toEqual({ dtype, shape: [192, 64] });
    const expected = quantize(dtype, transposed(values("transformer.h.0.attn.c_attn.weight"), 64, 192));
    expect(await bytesOf(attention)).toEqual(expected);
    const part = new Uint8Array(100);
    await attention.readInto(1234, part); // once more, and not from the start
    expect(part).toEqual(expected.slice(1234, 1334));
    // Rows of 40 fit no block, and the last band is narrower.
    const up = file.weights.get("blk.0.ffn_up.weight")!;
    expect(up.spec).toEqual({ dtype: "f32", shape: [160, 40] });
    expect(await bytesOf(up)).toEqual(
      quantize("f32", transposed(values("transformer.h.0.mlp.c_fc.weight"), 40, 160)),
    );
    expect(file.weights.get("position_embd.weight")!.spec).toEqual({ dtype: "f32", shape: [32, 64] });
    expect(file.weights.get("blk.0.attn_qkv.bias")!.spec).toEqual({ dtype: "f32", shape: [192] });
  }
});

const BERT = {
  hidden_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 64,
  max_position_embeddings: 18,
  type_vocab_size: 2,
  hidden_act: "gelu",
  layer_norm_eps: 1e-12,
  vocab_size: 50,
};
const BERT_SHAPES = {
  "embeddings.word_embeddings.weight": [50, 32],
  "embeddings.position_embeddings.weight": [18, 32],
  "embeddings.token_type_embeddings.weight": [2, 32],
  "embeddings.LayerNorm.weight": [32],
  "encoder.layer.0.attention.self.query.weight": [32, 32],
  "encoder.layer.0.attention.output.LayerNorm.bias": [32],
  "encoder.layer.0.output.dense.weight": [32, 64],
  "pooler.dense.weight": [32, 32],
};

it("BERT and RoBERTa: GGUF's names, and positions from behind the padding", async () => {
  const bert = await open({ ...BERT, model_type: "bert" }, BERT_SHAPES);
  expect([...bert.file.weights].map(([name, { spec }]) => `${name} ${spec.shape.join("x")}`).sort()).toEqual([
    "blk.0.attn_output_norm.bias 32",
    "blk.0.attn_q.weight 32x32",
    "blk.0.ffn_down.weight 32x64",
    "position_embd.weight 18x32",
    "token_embd.weight 50x32",
    "token_embd_norm.weight 32",
    "token_types.weight 2x32",
  ]);
  expect(bert.file.metadata.get("bert.attention.causal")).toBe(false);
  for (const model_type of ["roberta", "xlm-roberta"]) {
    const named = Object.fromEntries(
      Object.entries(BERT_SHAPES).map(([name, shape]) => [`roberta.${name}`, shape]),
    );
    const { file, values } = await open({ ...BERT, model_type }, named);
    expect(file.metadata.get("bert.context_length")).toBe(16);
    const positions = file.weights.get("position_embd.weight")!;
    expect(positions.spec.shape).toEqual([16, 32]);
    expect(new Float32Array((await bytesOf(positions)).buffer)).toEqual(
      values("roberta.embeddings.position_embeddings.weight").slice(64),
    );
  }
});

it("Gemma 3 as Google released it: most of the configuration left to defaults", async () => {
  const text_config = {
    model_type: "gemma3_text",
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 7,
    sliding_window: 1024,
    rope_scaling: { factor: 8, rope_type: "linear" },
  };
  const config = { model_type: "gemma3", eos_token_id: [1, 106], text_config, vision_config: {} };
  const { file, values } = await open(config, {
    "language_model.model.norm.weight": [64],
    "language_model.model.layers.6.self_attn.q_norm.weight": [256],
    "vision_tower.vision_model.embeddings.x.weight": [3],
  });
  expect(Object.fromEntries(file.metadata)).toMatchObject({
    "general.architecture": "gemma3",
    "gemma3.attention.head_count": 8,
    "gemma3.attention.head_count_kv": 4,
    "gemma3.attention.key_length": 256,
    "gemma3.attention.scale": 1 / 16,
    "gemma3.attention.sliding_window": 1024,
    "gemma3.attention.sliding_window_pattern": [true, true, true, true, true, false, true],
    "gemma3.rope.freq_base": 1e6,
    "gemma3.rope.freq_base_swa": 10_000,
    "gemma3.rope.scaling.type": "linear",
    "gemma3.rope.scaling.factor": 8,
    "tokenizer.huggingface.generation_config": '{"eos_token_id":[1,106]}',
  });
  const norm = await bytesOf(file.weights.get("output_norm.weight")!);
  expect(new Float32Array(norm.buffer)).toEqual(values("language_model.model.norm.weight").map((w) => w + 1));
  expect([...file.weights.keys()].sort()).toEqual(["blk.6.attn_q_norm.weight", "output_norm.weight"]);
});

it.each<[object, number | undefined]>([
  [{ word_embedding_dimension: 32, pooling_mode_mean_tokens: true, pooling_mode_cls_token: false }, 1],
  [{ pooling_mode_cls_token: true, pooling_mode_max_tokens: false }, 2],
  [{ pooling_mode_lasttoken: true }, 3],
  [{ pooling_mode_max_tokens: true }, undefined],
  [{ pooling_mode_mean_tokens: true, pooling_mode_cls_token: true }, undefined],
  [{}, undefined],
])("an encoder pools as sentence-transformers says: %o", async (pooling, type) => {
  const config = { ...BERT, model_type: "bert" };
  const opened = open(config, BERT_SHAPES, "none", { "1_Pooling/config.json": json(pooling) });
  if (type === undefined) await expect(opened).rejects.toMatchObject({ code: "MODEL_BAD_CONFIG" });
  else expect((await opened).file.metadata.get("bert.pooling_type")).toBe(type);
});
