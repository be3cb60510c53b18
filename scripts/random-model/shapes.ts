/** Shapes of models that scripts/make-random-model.mjs can make: Llama's architecture where they do not say another. */

export interface Shape {
  /** As `general.name` begins. */
  readonly title: string;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly ffn: number;
  readonly vocab: number;
  readonly context: number;
  readonly ropeTheta: number;
  readonly epsilon: number;
  /** The embedding serves as the output matrix too. */
  readonly tied: boolean;
  /** Default: llama. */
  readonly architecture?: "bert" | "gemma3" | "mimo" | "qwen3";
  /** Default: hidden / heads. */
  readonly headDim?: number;
  /** Sliding window. */
  readonly window?: number;
  /** Layers of multi-token prediction after the others; 0 or 1. */
  readonly mtpLayers?: number;
}

/** MiLM's architecture and vocabulary were never published; its shapes here are assumed, and their titles say so. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  tiny: {
    title: "Tiny",
    hidden: 64,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    ffn: 160,
    vocab: 512,
    context: 256,
    ropeTheta: 10_000,
    epsilon: 1e-5,
    tied: true,
  },
  /** The smallest whose rows all divide by 256, as K-types need. */
  "tiny-256": {
    title: "Tiny 256",
    hidden: 256,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    ffn: 512,
    vocab: 512,
    context: 256,
    ropeTheta: 10_000,
    epsilon: 1e-5,
    tied: true,
  },
  /** That of all-MiniLM-L6-v2 and its like. */
  "minilm-l6": {
    title: "MiniLM-L6 shape",
    architecture: "bert",
    hidden: 384,
    layers: 6,
    heads: 12,
    kvHeads: 12,
    ffn: 1536,
    vocab: 30_522,
    context: 512,
    ropeTheta: 10_000,
    epsilon: 1e-12,
    tied: true,
  },
  "smollm2-135m": {
    title: "SmolLM2-135M shape",
    hidden: 576,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    ffn: 1536,
    vocab: 49_152,
    context: 8192,
    ropeTheta: 100_000,
    epsilon: 1e-5,
    tied: true,
  },
  "milm-1.3b": {
    title: "MiLM-1.3B (assumed shape)",
    hidden: 2048,
    layers: 24,
    heads: 16,
    kvHeads: 16,
    ffn: 5632,
    vocab: 64_000,
    context: 4096,
    ropeTheta: 10_000,
    epsilon: 1e-5,
    tied: true,
  },
  "milm-6b": {
    title: "MiLM-6B (assumed shape)",
    hidden: 4096,
    layers: 30,
    heads: 32,
    kvHeads: 32,
    ffn: 11_008,
    vocab: 64_000,
    context: 4096,
    ropeTheta: 10_000,
    epsilon: 1e-5,
    tied: true,
  },
  "qwen3-0.6b": {
    title: "Qwen3-0.6B shape",
    architecture: "qwen3",
    hidden: 1024,
    layers: 28,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    ffn: 3072,
    vocab: 151_936,
    context: 40_960,
    ropeTheta: 1e6,
    epsilon: 1e-6,
    tied: true,
  },
  "gemma3-1b": {
    title: "Gemma 3 1B shape",
    architecture: "gemma3",
    hidden: 1152,
    layers: 26,
    heads: 4,
    kvHeads: 1,
    headDim: 256,
    ffn: 6912,
    vocab: 262_144,
    context: 32_768,
    ropeTheta: 1e6,
    epsilon: 1e-6,
    tied: true,
    window: 512,
  },
  "mimo-7b": {
    title: "MiMo-7B shape",
    architecture: "mimo",
    hidden: 4096,
    layers: 36,
    heads: 32,
    kvHeads: 8,
    ffn: 11_008,
    vocab: 151_680,
    context: 32_768,
    ropeTheta: 640_000,
    epsilon: 1e-5,
    tied: false,
    mtpLayers: 1,
  },
};

/** A matrix or a vector, with the standard deviation that its values shall have. */
export interface TensorPlan {
  readonly name: string;
  /** Row-major. */
  readonly shape: readonly number[];
  /** Undefined for a norm: values around 1. Vectors are f32. */
  readonly deviation: number | undefined;
}

/**
 * The tensors of a shape. Deviations keep activations near 1: 1/sqrt(inputs) after a norm, and what is added to the
 * residual stream is divided by sqrt(2 * layers) besides, as in GPT-2.
 */
export function tensorPlans(shape: Shape): TensorPlan[] {
  const { hidden, layers, heads, kvHeads, ffn, vocab, headDim = hidden / heads } = shape;
  if (shape.architecture === "bert") return encoderPlans(shape);
  const [width, kvWidth] = [headDim * heads, headDim * kvHeads];
  const residual = 1 / Math.sqrt(2 * layers);
  const matrix = (name: string, rows: number, columns: number, scale = 1): TensorPlan => ({
    name: `${name}.weight`,
    shape: [rows, columns],
    deviation: scale / Math.sqrt(columns),
  });
  const norm = (name: string, length = hidden): TensorPlan => ({
    name: `${name}.weight`,
    shape: [length],
    deviation: undefined,
  });
  const bias = (name: string, length: number): TensorPlan => ({
    name: `${name}.bias`,
    shape: [length],
    deviation: 0.1,
  });
  const { hasHeadNorms, hasPostNorms, hasBiases } = TRAITS[shape.architecture ?? "llama"];
  const when = (condition: boolean, ...plans: readonly TensorPlan[]) => (condition ? plans : []);
  const layer = (index: number): TensorPlan[] => [
    norm(`blk.${index}.attn_norm`),
    matrix(`blk.${index}.attn_q`, width, hidden),
    matrix(`blk.${index}.attn_k`, kvWidth, hidden),
    matrix(`blk.${index}.attn_v`, kvWidth, hidden),
    ...when(
      hasBiases,
      bias(`blk.${index}.attn_q`, width),
      bias(`blk.${index}.attn_k`, kvWidth),
      bias(`blk.${index}.attn_v`, kvWidth),
    ),
    ...when(
      hasHeadNorms,
      norm(`blk.${index}.attn_q_norm`, headDim),
      norm(`blk.${index}.attn_k_norm`, headDim),
    ),
    matrix(`blk.${index}.attn_output`, hidden, width, residual),
    ...when(hasPostNorms, norm(`blk.${index}.post_attention_norm`)),
    norm(`blk.${index}.ffn_norm`),
    matrix(`blk.${index}.ffn_gate`, ffn, hidden),
    matrix(`blk.${index}.ffn_up`, ffn, hidden),
    matrix(`blk.${index}.ffn_down`, hidden, ffn, residual),
    ...when(hasPostNorms, norm(`blk.${index}.post_ffw_norm`)),
  ];
  const mtp = (index: number): TensorPlan[] => [
    norm(`blk.${index}.nextn.enorm`),
    norm(`blk.${index}.nextn.hnorm`),
    matrix(`blk.${index}.nextn.eh_proj`, hidden, 2 * hidden),
    ...layer(index),
    norm(`blk.${index}.nextn.shared_head_norm`),
  ];
  return [
    matrix("token_embd", vocab, hidden),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    ...(shape.mtpLayers ? mtp(layers) : []),
    norm("output_norm"),
    ...(shape.tied ? [] : [matrix("output", vocab, hidden)]),
  ];
}

/** BERT's: embeddings and what each branch adds are normalized after the sum, so that no factor has to keep them near 1. */
function encoderPlans({ hidden, layers, ffn, vocab, context }: Shape): TensorPlan[] {
  const table = (name: string, rows: number, deviation: number): TensorPlan => ({
    name: `${name}.weight`,
    shape: [rows, hidden],
    deviation,
  });
  const norm = (name: string): TensorPlan[] => [
    { name: `${name}.weight`, shape: [hidden], deviation: undefined },
    { name: `${name}.bias`, shape: [hidden], deviation: 0.1 },
  ];
  const dense = (name: string, rows: number, columns: number): TensorPlan[] => [
    { name: `${name}.weight`, shape: [rows, columns], deviation: 1 / Math.sqrt(columns) },
    { name: `${name}.bias`, shape: [rows], deviation: 0.1 },
  ];
  const layer = (index: number): TensorPlan[] => [
    ...dense(`blk.${index}.attn_q`, hidden, hidden),
    ...dense(`blk.${index}.attn_k`, hidden, hidden),
    ...dense(`blk.${index}.attn_v`, hidden, hidden),
    ...dense(`blk.${index}.attn_output`, hidden, hidden),
    ...norm(`blk.${index}.attn_output_norm`),
    ...dense(`blk.${index}.ffn_up`, ffn, hidden),
    ...dense(`blk.${index}.ffn_down`, hidden, ffn),
    ...norm(`blk.${index}.layer_output_norm`),
  ];
  return [
    table("token_embd", vocab, 0.05),
    table("token_types", 2, 0.01),
    table("position_embd", context, 0.02),
    ...norm("token_embd_norm"),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
  ];
}

/** In which tensors architectures differ from Llama. */
const TRAITS = {
  llama: { hasHeadNorms: false, hasPostNorms: false, hasBiases: false },
  gemma3: { hasHeadNorms: true, hasPostNorms: true, hasBiases: false },
  mimo: { hasHeadNorms: false, hasPostNorms: false, hasBiases: true },
  qwen3: { hasHeadNorms: true, hasPostNorms: false, hasBiases: false },
} as const;

export function parameterCount(shape: Shape): number {
  return tensorPlans(shape).reduce((sum, plan) => sum + plan.shape.reduce((a, b) => a * b), 0);
}
