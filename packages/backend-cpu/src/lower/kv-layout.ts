/** Where a block of the KV cache keeps its parts; the engine's side is assembly/kv.ts. */
import type { KvPlan } from "@millet/core/backend";
import { KvBlock } from "../../assembly/opcodes.js";

/** Columns of a value row with its padding. */
export function paddedValueDim(valueDim: number): number {
  return Math.ceil(valueDim / 4) * 4;
}

/** Bytes of keys and values of one layer in a block. */
export function kvLayerBytes({ kvHeads, headDim, valueDim }: KvPlan): number {
  return kvHeads * (headDim + paddedValueDim(valueDim)) * KvBlock.Rows * 4;
}

/** Bytes from a block's start to a layer. */
export function kvLayerOffset(plan: KvPlan, layer: number): number {
  return KvBlock.PositionBytes + layer * kvLayerBytes(plan);
}

export function kvBlockBytes(plan: KvPlan): number {
  return kvLayerOffset(plan, plan.layers);
}
