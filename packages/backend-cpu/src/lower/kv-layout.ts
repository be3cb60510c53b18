/** Where a block of the KV cache keeps its parts; the engines' side is assembly/kv.ts, which describes the layouts. */
import type { KvDType, KvPlan } from "@millet/core/backend";
import { KvBlock, KvType } from "../../assembly/opcodes.js";

interface Layout {
  readonly type: KvType;
  /** Columns that a value row is padded to a multiple of. */
  readonly columns: number;
  keyBytes(headDim: number): number;
  valueBytes(valueDim: number): number;
}

/** A row of 32 bytes x `elementBytes` per element of a key; value rows padded to 16 bytes. */
function plain(type: KvType, elementBytes: number): Layout {
  const columns = 16 / elementBytes;
  return {
    type,
    columns,
    keyBytes: (headDim) => headDim * KvBlock.Rows * elementBytes,
    valueBytes: (valueDim) => up(valueDim, columns) * KvBlock.Rows * elementBytes,
  };
}

const tiles = (headSize: number) => Math.ceil(headSize / 32) * KvBlock.TileBytes;

const LAYOUTS: Readonly<Record<KvDType, Layout>> = {
  f32: plain(KvType.F32, 4),
  f16: plain(KvType.F16, 2),
  q8_0: { type: KvType.Q8_0, columns: 32, keyBytes: tiles, valueBytes: tiles },
};

function up(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** The operand `Type` of the steps that touch the cache. */
export function kvType({ dtype }: KvPlan): KvType {
  return LAYOUTS[dtype].type;
}

/** Columns of a value row with its padding. */
export function valueColumns({ dtype }: KvPlan, valueDim: number): number {
  return up(valueDim, LAYOUTS[dtype].columns);
}

/** Bytes of keys and values of one layer in a block. */
export function kvLayerBytes({ dtype, kvHeads, headDim, valueDim }: KvPlan): number {
  const { keyBytes, valueBytes } = LAYOUTS[dtype];
  return kvHeads * (keyBytes(headDim) + valueBytes(valueDim));
}

/** Bytes from a block's start to a layer. */
export function kvLayerOffset(plan: KvPlan, layer: number): number {
  return KvBlock.PositionBytes + layer * kvLayerBytes(plan);
}

export function kvBlockBytes(plan: KvPlan): number {
  return kvLayerOffset(plan, plan.layers);
}
