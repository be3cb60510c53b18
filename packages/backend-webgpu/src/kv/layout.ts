/**
 * Where a KV cache lies: per layer a buffer of keys and one of values, [row][kvHead][head], and one buffer of positions,
 * i32[row], for all layers. Rows of a cache follow each other, so that any range of rows is one range of bytes.
 */
import type { KvDType, KvPlan } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Device } from "../device/device.js";
import { f16 } from "./f16.js";
import { f32 } from "./f32.js";
import type { KvFormat } from "./format.js";
import { q8_0 } from "./q8_0.js";

const FORMATS: readonly KvFormat[] = [f32, f16, q8_0];

/** Types of KV cache that there are, the most exact first. */
export const KV_TYPES: readonly KvDType[] = FORMATS.map(({ dtype }) => dtype);

/** @throws MilletError KV_DTYPE_UNSUPPORTED */
export function kvFormat(dtype: KvDType): KvFormat {
  const format = FORMATS.find((one) => one.dtype === dtype);
  if (format) return format;
  throw new MilletError(
    "KV_DTYPE_UNSUPPORTED",
    `The WebGPU backend has no KV cache of type ${dtype}; it has ${KV_TYPES.join(", ")}.`,
  );
}

/** Bytes of a row: of keys and of values in one layer. */
export interface KvRowBytes {
  readonly keys: number;
  readonly values: number;
}

export function kvRowBytes({ dtype, kvHeads, headDim, valueDim }: KvPlan): KvRowBytes {
  const { headElements, elementBytes } = kvFormat(dtype);
  const bytes = (size: number) => kvHeads * headElements(size) * elementBytes;
  return { keys: bytes(headDim), values: bytes(valueDim) };
}

/** Bytes of `blocks` blocks in all layers, with the positions of their rows. */
export function kvBytes(plan: KvPlan, blocks: number): number {
  const { keys, values } = kvRowBytes(plan);
  return blocks * plan.blockRows * (plan.layers * (keys + values) + 4);
}

/** Most blocks that a device can hold by its limits, whatever memory it has: a layer's keys are one binding. */
export function mostBlocks(plan: KvPlan, limits: KvLimits): number {
  const { keys, values } = kvRowBytes(plan);
  const bytes = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  return Math.floor(bytes / (Math.max(keys, values, 4) * plan.blockRows));
}

export type KvLimits = Pick<Device["limits"], "maxStorageBufferBindingSize" | "maxBufferSize">;
