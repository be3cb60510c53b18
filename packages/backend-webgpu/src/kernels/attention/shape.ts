/** What the kernels of attention know of their operands when they are written, and the WGSL that they share. */

import { type KvFormat, unitsOf } from "../../kv/format.js";
import { kvFormat } from "../../kv/layout.js";
import type { AttentionSpec } from "../../lower/specs.js";
import { softCapWgsl } from "../soft-cap.js";

export interface AttentionShape {
  readonly spec: AttentionSpec;
  readonly format: KvFormat;
  readonly heads: number;
  readonly kvHeads: number;
  /** Query heads that share a KV head. */
  readonly group: number;
  /** Units of four of a key head and of a value head. */
  readonly keyUnits: number;
  readonly valueUnits: number;
  /** Slot of the rotated and scaled queries: vec4[tokens][heads][keyUnits]. */
  readonly queries: number;
}

export function attentionShape(spec: AttentionSpec, queries: number): AttentionShape {
  const { heads, kvHeads, headDim, valueDim } = spec.attrs;
  return {
    spec,
    format: kvFormat(spec.kv.dtype),
    heads,
    kvHeads,
    group: heads / kvHeads,
    keyUnits: unitsOf(headDim),
    valueUnits: unitsOf(valueDim),
    queries,
  };
}

/** Below every score, and finite, so that differences of maxima are never NaN. */
export const NO_SCORE = "-1e30f";

/** In place of a cache row that does not count. */
export const NO_ROW = "0xffffffffu";

/** Functions that read the cache; they need the bindings `call`, `keys`, `values`, `positions`. */
export function cacheWgsl({ spec, format, kvHeads }: AttentionShape): string {
  const { attrs, kv, blockTable, blockColumns } = spec;
  const [keySize, valueSize] = [attrs.headDim, attrs.valueDim];
  return `
fn cache_row(sequence: u32, index: u32) -> u32 {
  let block = call[${blockTable}u + sequence * ${blockColumns}u + index / ${kv.blockRows}u];
  return block * ${kv.blockRows}u + index % ${kv.blockRows}u;
}
fn key_base(row: u32, kv_head: u32) -> u32 { return (row * ${kvHeads}u + kv_head) * ${format.headElements(keySize)}u; }
fn value_base(row: u32, kv_head: u32) -> u32 { return (row * ${kvHeads}u + kv_head) * ${format.headElements(valueSize)}u; }
${format.load("load_key", "keys", keySize)}
${format.load("load_value", "values", valueSize)}`;
}

/** An expression that is true where a key is visible, of i32 or vec4<i32>. Without limits all are. */
export function visibleWgsl({ spec }: AttentionShape, key: string, query: string, vector = false): string {
  const { causal, window } = spec.attrs;
  const limit = vector ? `vec4<i32>(${window})` : `${window}`;
  const conditions = [
    ...(causal ? [`(${key} <= ${query})`] : []),
    ...(window === undefined ? [] : [`(${query} - ${key} < ${limit})`]),
  ];
  if (conditions.length === 0) return vector ? "vec4<bool>(true)" : "true";
  return conditions.join(" & ");
}

/** `fn capped(scores: vec4<f32>) -> vec4<f32>`: softCap * tanh(score / softCap). */
export function cappedWgsl({ spec }: AttentionShape): string {
  const { softCap } = spec.attrs;
  if (softCap === undefined) return "fn capped(scores: vec4<f32>) -> vec4<f32> { return scores; }";
  return softCapWgsl("capped", "vec4<f32>", softCap);
}
