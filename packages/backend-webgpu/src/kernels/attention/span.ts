/**
 * attention_span: attention of single rows over one span of the cache, for few rows (FlashDecoding's first half). A
 * workgroup serves a row and up to four query heads of a KV head, in the four lanes of a vector, so that keys and values
 * are read once for all of them. It goes through its span in tiles of 64 rows with the online softmax of FlashAttention
 * (Dao et al. 2022, arXiv 2205.14135) and leaves the maximum m, the sum l and the output o of each head.
 */
import type { Dispatch } from "../../program/dispatch.js";
import { activeRows } from "../rows.js";
import { kernelOf } from "../wgsl.js";
import { type AttentionShape, cacheWgsl, cappedWgsl, NO_ROW, NO_SCORE, visibleWgsl } from "./shape.js";
import type { SpanVariant } from "./span-scores.js";
import { SPANS_WGSL, spanCount, TILE_ROWS } from "./spans.js";

const THREADS = 128;

/** Bytes of workgroup memory for queries; what else there is takes about 11 KiB of the 16 that every device has. */
const QUERY_BYTES = 4096;

/** Vectors of a partial result: m and l, after o. [tokens][heads][spans] of them */
export function partialUnits({ valueUnits }: AttentionShape): number {
  return 1 + valueUnits;
}

/** Query heads that a workgroup serves. */
function headsAtOnce({ group, keyUnits }: AttentionShape): number {
  const most = Math.max(1, Math.min(4, Math.floor(QUERY_BYTES / (16 * keyUnits))));
  return Math.ceil(group / Math.ceil(group / most));
}

/**
 * @param partials slot for the results
 * @param spans most spans of a sequence
 */
export function lowerSpans(
  shape: AttentionShape,
  partials: number,
  spans: number,
  variant: SpanVariant,
): Dispatch {
  const { spec, format, kvHeads, group, queries } = shape;
  const { layer } = spec.attrs;
  const chunks = Math.ceil(group / headsAtOnce(shape));
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    { name: "queries", element: "vec4<f32>", access: "read" as const },
    { name: "keys", element: format.element, access: "read" as const },
    { name: "values", element: format.element, access: "read" as const },
    { name: "positions", element: "i32", access: "read" as const },
    { name: "partials", element: "vec4<f32>", access: "read-write" as const },
  ];
  return {
    kernel: kernelOf(
      `attention_span.${format.dtype}.${variant.name}`,
      bindings,
      body(shape, chunks, spans, variant),
      variant.extensions,
    ),
    label: `${spec.label} layer ${layer}`,
    operands: [
      { space: "call" },
      { space: "scratch", slot: queries },
      { space: "keys", layer },
      { space: "values", layer },
      { space: "positions" },
      { space: "scratch", slot: partials },
    ],
    params: [],
    grid: (size) => [spanCount(size.longest), kvHeads * chunks, activeRows(spec.q, size)],
    weightBytes: 0,
  };
}

function body(shape: AttentionShape, chunks: number, spans: number, variant: SpanVariant): string {
  const { spec, heads, group, keyUnits, valueUnits } = shape;
  const together = headsAtOnce(shape);
  // Groups of invocations with the same unit of the values take turns at the rows.
  const parts = Math.min(TILE_ROWS, Math.floor(THREADS / valueUnits));
  const each = (text: (g: number) => string) => Array.from({ length: together }, (_, g) => text(g));
  return `
var<workgroup> query: array<vec4<f32>, ${together * keyUnits}>;
var<workgroup> shares: array<vec4<f32>, ${4 * THREADS}>;
var<workgroup> rows: array<u32, ${TILE_ROWS}>;
var<workgroup> scores: array<vec4<f32>, ${TILE_ROWS}>;
var<workgroup> maxima: array<vec4<f32>, ${variant.maxima}>;
var<workgroup> sums: array<vec4<f32>, ${parts}>;
${SPANS_WGSL}
${cacheWgsl(shape)}
${cappedWgsl(shape)}
fn row_if_visible(sequence: u32, index: u32, end: u32, position: i32) -> u32 {
  if (index >= end) { return ${NO_ROW}; }
  let row = cache_row(sequence, index);
  let key_position = positions[row];
  return select(${NO_ROW}, row, ${visibleWgsl(shape, "key_position", "position")});
}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32${variant.parameters}) {
  let token = group.z;
  let sequence = call[${spec.sequences}u + token];
  let length = call[${spec.lengths}u + sequence];
  let first = span_begin(group.x);
  if (first >= length) { return; }
  let end = min(span_begin(group.x + 1u), length);
  let position = bitcast<i32>(call[${spec.positions}u + token]);
  let kv_head = group.y / ${chunks}u;
  let head = kv_head * ${group}u + (group.y % ${chunks}u) * ${together}u;
  let heads = min(${together}u, (kv_head + 1u) * ${group}u - head);
  for (var i = lane; i < heads * ${keyUnits}u; i += ${THREADS}u) {
    query[i] = queries[(token * ${heads}u + head) * ${keyUnits}u + i];
  }
  let unit = lane % ${valueUnits}u;
  let part = lane / ${valueUnits}u;
  var m = vec4<f32>(${NO_SCORE});
  var l = vec4<f32>(0f);
  ${each((g) => `var o${g} = vec4<f32>(0f);`).join("\n  ")}
  for (var begin = first; begin < end; begin += ${TILE_ROWS}u) {
    if (lane < ${TILE_ROWS}u) { rows[lane] = row_if_visible(sequence, begin + lane, end, position); }
    workgroupBarrier();${variant.scores(shape, together, THREADS)}
    var most = m;
    for (var i = 0u; i < ${variant.maximaCount}; i++) { most = max(most, maxima[i]); }
    let alpha = exp(m - most);
    m = most;
    if (lane < ${TILE_ROWS}u) {
      scores[lane] = select(exp(scores[lane] - m), vec4<f32>(0f), rows[lane] == ${NO_ROW});
    }
    workgroupBarrier();
    l *= alpha;
    ${each((g) => `o${g} *= alpha[${g}];`).join("\n    ")}
    if (part < ${parts}u) {
      for (var j = part; j < ${TILE_ROWS}u; j += ${parts}u) {
        let row = rows[j];
        if (row == ${NO_ROW}) { continue; }
        let weight = scores[j];
        let value = load_value(value_base(row, kv_head), unit);
        l += weight;
        ${each((g) => `o${g} += weight[${g}] * value;`).join("\n        ")}
      }
    }
    workgroupBarrier();
  }
  if (part < ${parts}u) {
    ${each((g) => `shares[${g * THREADS}u + lane] = o${g};`).join("\n    ")}
    if (unit == 0u) { sums[part] = l; }
  }
  workgroupBarrier();
  let record = ((token * ${heads}u + head) * ${spans}u + group.x) * ${partialUnits(shape)}u;
  let stride = ${spans * partialUnits(shape)}u;
  for (var i = lane; i < heads * ${valueUnits}u; i += ${THREADS}u) {
    let source = (i / ${valueUnits}u) * ${THREADS}u + i % ${valueUnits}u;
    var o = shares[source];
    for (var p = 1u; p < ${parts}u; p++) { o += shares[source + p * ${valueUnits}u]; }
    partials[record + (i / ${valueUnits}u) * stride + 1u + i % ${valueUnits}u] = o;
  }
  if (lane < heads) {
    var sum = 0f;
    for (var p = 0u; p < ${parts}u; p++) { sum += sums[p][lane]; }
    partials[record + lane * stride] = vec4<f32>(m[lane], sum, 0f, 0f);
  }
}`;
}
