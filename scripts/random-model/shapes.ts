/** Shapes of Llama-architecture models that scripts/make-random-model.mjs can make. */

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
};

/** A matrix or a norm's vector, with the standard deviation that its values shall have. */
export interface TensorPlan {
  readonly name: string;
  /** Row-major. */
  readonly shape: readonly number[];
  /** Undefined for a norm: values around 1. */
  readonly deviation: number | undefined;
}

/**
 * The tensors of a shape. Deviations keep activations near 1: 1/sqrt(inputs) after a norm, and what is added to the
 * residual stream is divided by sqrt(2 * layers) besides, as in GPT-2.
 */
export function tensorPlans(shape: Shape): TensorPlan[] {
  const { hidden, layers, heads, kvHeads, ffn, vocab } = shape;
  const kvWidth = (hidden / heads) * kvHeads;
  const residual = 1 / Math.sqrt(2 * layers);
  const matrix = (name: string, rows: number, columns: number, scale = 1): TensorPlan => ({
    name: `${name}.weight`,
    shape: [rows, columns],
    deviation: scale / Math.sqrt(columns),
  });
  const norm = (name: string): TensorPlan => ({
    name: `${name}.weight`,
    shape: [hidden],
    deviation: undefined,
  });
  const layer = (index: number): TensorPlan[] => [
    norm(`blk.${index}.attn_norm`),
    matrix(`blk.${index}.attn_q`, hidden, hidden),
    matrix(`blk.${index}.attn_k`, kvWidth, hidden),
    matrix(`blk.${index}.attn_v`, kvWidth, hidden),
    matrix(`blk.${index}.attn_output`, hidden, hidden, residual),
    norm(`blk.${index}.ffn_norm`),
    matrix(`blk.${index}.ffn_gate`, ffn, hidden),
    matrix(`blk.${index}.ffn_up`, ffn, hidden),
    matrix(`blk.${index}.ffn_down`, hidden, ffn, residual),
  ];
  return [
    matrix("token_embd", vocab, hidden),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    norm("output_norm"),
    ...(shape.tied ? [] : [matrix("output", vocab, hidden)]),
  ];
}

export function parameterCount(shape: Shape): number {
  return tensorPlans(shape).reduce((sum, plan) => sum + plan.shape.reduce((a, b) => a * b), 0);
}
