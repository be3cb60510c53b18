/** How a KV cache is laid out, and its portable form. */

/** How a KV cache may keep its elements, the most exact first; `roundKv` in backend/round-kv.ts says how each rounds. */
export const KV_DTYPES = ["f32", "f16", "q8_0"] as const;

export type KvDType = (typeof KV_DTYPES)[number];

/** Shape of a KV cache. A row holds K and V of one token in every layer. */
export interface KvPlan {
  readonly layers: number;
  readonly kvHeads: number;
  /** Size of a key head. */
  readonly headDim: number;
  /** Size of a value head. */
  readonly valueDim: number;
  readonly dtype: KvDType;
  /** Rows per block. */
  readonly blockRows: number;
  /** Most blocks that may be reserved. */
  readonly maxBlocks: number;
}

/** Rows of a KV cache in canonical order, the same on every backend; as float32 whatever the cache keeps. */
export interface KvSnapshot {
  readonly rows: number;
  /** Position of each row. [rows] */
  readonly positions: Int32Array;
  /** [layers, rows, kvHeads, headDim] */
  readonly keys: Float32Array;
  /** [layers, rows, kvHeads, valueDim] */
  readonly values: Float32Array;
}

/** Rows per block in every graph that core builds. */
export const KV_BLOCK_ROWS = 32;

/** Elements of K and V that one row holds over all layers. */
export function kvElementsPerRow(plan: KvPlan): number {
  return plan.layers * plan.kvHeads * (plan.headDim + plan.valueDim);
}
