/** Puts a random model together: metadata, tokenizer and tensors, written piece by piece. */
import { open } from "node:fs/promises";
import { type GgufTensorContents, openGguf, writeGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { DTYPES } from "@millet/core/tensor";
import { type Shape, type TensorPlan, tensorPlans } from "./shapes.ts";
import { copiedTokenizer, type Entries, syntheticTokenizer } from "./tokenizer.ts";
import { randomNorm, randomWeights, type WeightType } from "./weights.ts";

export interface RandomModel {
  readonly shape: Shape;
  readonly type: WeightType;
  /** Of the embedding and the output matrix; `type` if absent. */
  readonly embeddingType?: WeightType | undefined;
  readonly seed: number;
  /** A GGUF file whose tokenizer is copied; otherwise one is made up. */
  readonly vocabFrom?: string | undefined;
}

/** llama.cpp's numbers for `general.file_type`: of the K-types the ones of uniform files, "Q4_K - Small" and so on. */
const FILE_TYPES: Readonly<Record<WeightType, number>> = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q4_1: 3,
  q8_0: 7,
  q5_0: 8,
  q5_1: 9,
  q2_k: 10,
  q3_k: 11,
  q4_k: 14,
  q5_k: 16,
  q6_k: 18,
  iq4_nl: 25,
  iq4_xs: 30,
  bf16: 32,
};

function configuration({ shape, type, seed }: RandomModel): Entries {
  const { architecture = "llama", headDim, window, mtpLayers = 0 } = shape;
  const own = (key: string) => (key.startsWith("general.") ? key : `${architecture}.${key}`);
  const u32 = (key: string, value: number): Entries[number] => [own(key), { type: "u32", value }];
  const f32 = (key: string, value: number): Entries[number] => [own(key), { type: "f32", value }];
  return [
    ["general.architecture", { type: "string", value: architecture }],
    ["general.name", { type: "string", value: `${shape.title}, random weights, seed ${seed}` }],
    u32("general.file_type", FILE_TYPES[type]),
    u32("general.quantization_version", 2),
    u32("block_count", shape.layers + mtpLayers),
    u32("context_length", shape.context),
    u32("embedding_length", shape.hidden),
    u32("feed_forward_length", shape.ffn),
    u32("attention.head_count", shape.heads),
    u32("attention.head_count_kv", shape.kvHeads),
    ...(headDim ? [u32("attention.key_length", headDim), u32("attention.value_length", headDim)] : []),
    ...(window ? [u32("attention.sliding_window", window)] : []),
    ...(mtpLayers ? [u32("nextn_predict_layers", mtpLayers)] : []),
    u32("rope.dimension_count", headDim ?? shape.hidden / shape.heads),
    f32("rope.freq_base", shape.ropeTheta),
    f32(`attention.layer_norm_${architecture === "bert" ? "" : "rms_"}epsilon`, shape.epsilon),
    u32("vocab_size", shape.vocab),
  ];
}

async function tokenizer({ shape, vocabFrom }: RandomModel): Promise<Entries> {
  if (vocabFrom === undefined) return syntheticTokenizer(shape.vocab);
  const file = await openGguf(await openSource(vocabFrom));
  try {
    return copiedTokenizer(file.metadata, shape.vocab);
  } finally {
    await file.close();
  }
}

function contents({ name, shape, deviation }: TensorPlan, model: RandomModel): GgufTensorContents {
  const elements = shape.reduce((a, b) => a * b);
  if (deviation === undefined)
    return { name, type: "f32", shape, data: randomNorm(elements, model.seed, name) };
  const outer = name === "token_embd.weight" || name === "output.weight";
  const wanted = outer ? (model.embeddingType ?? model.type) : model.type;
  const type = shape.length === 1 ? "f32" : wanted;
  const { blockElements } = DTYPES[type];
  const columns = shape.at(-1)!;
  if (columns % blockElements !== 0) {
    throw new Error(
      `${type} needs rows of a multiple of ${blockElements} elements, but ${name} has rows of ${columns}: ` +
        "choose another type or shape.",
    );
  }
  return { name, type, shape, data: () => randomWeights(type, elements, deviation, model.seed, name) };
}

/**
 * Writes the model to a file, replacing it.
 * @returns its size in bytes
 * @throws Error before anything is written if a matrix's rows do not divide into the type's blocks
 */
export async function writeRandomModel(path: string, model: RandomModel): Promise<number> {
  const metadata = [...configuration(model), ...(await tokenizer(model))];
  const tensors = tensorPlans(model.shape).map((plan) => contents(plan, model));
  const file = await open(path, "w");
  try {
    return await writeGguf((bytes) => file.appendFile(bytes), { metadata, tensors });
  } finally {
    await file.close();
  }
}
