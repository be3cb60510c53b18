/** Where groups of blocks of the KV cache keep their parts; the engines' side is assembly/kv.ts, which describes the layouts. */
import type { KvDType, KvPlan } from "@millet/core/backend";
import { KvBlock, KvType } from "../../assembly/opcodes.js";
import { units } from "../program/program.js";
import { aligned } from "./region.js";

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

/** Bytes from a block's first head to the first of a layer: the other blocks of the group lie between. */
export function kvLayerOffset(plan: KvPlan, layer: number): number {
  return layer * kvLayerBytes(plan) * KvBlock.GroupBlocks;
}

/** Bytes of positions, keys and values of a block. */
export function kvBlockBytes(plan: KvPlan): number {
  return KvBlock.PositionBytes + plan.layers * kvLayerBytes(plan);
}

/** Bytes of a group, the unit that memory is taken in. */
export function kvGroupBytes(plan: KvPlan): number {
  return aligned(kvBlockBytes(plan) * KvBlock.GroupBlocks);
}

/** Groups that hold `blocks` blocks. */
export function kvGroups(blocks: number): number {
  return Math.ceil(blocks / KvBlock.GroupBlocks);
}

/** Bytes of a state's table of blocks. */
export function kvTableBytes({ maxBlocks }: KvPlan): number {
  return aligned(KvBlock.EntryBytes * maxBlocks);
}

/** The table's words, in units, for blocks in the order of their groups at these addresses. */
export function kvTable(plan: KvPlan, groups: readonly number[], blocks: number): Uint32Array {
  const headBytes = kvLayerBytes(plan) / plan.kvHeads;
  const entries = Array.from({ length: blocks }, (_, block) => {
    const group = groups[Math.floor(block / KvBlock.GroupBlocks)]!;
    const index = block % KvBlock.GroupBlocks;
    const heads = group + KvBlock.PositionBytes * KvBlock.GroupBlocks + index * headBytes;
    return [units(heads), units(group + KvBlock.PositionBytes * index)];
  });
  return Uint32Array.from(entries.flat());
}
