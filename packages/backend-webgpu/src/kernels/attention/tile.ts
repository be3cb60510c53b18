/**
 * attention_tile: attention of many rows, as FlashAttention does it (Dao et al. 2022, arXiv 2205.14135; Dao 2023, arXiv
 * 2307.08691). A workgroup serves 32 queries of one KV head, a query being a row and one of the heads that share the KV
 * head, and goes through the sequence in tiles of 32 cached rows that pass through workgroup memory. A tile that nobody
 * sees is skipped, and a masked key adds exactly nothing: a row's result does not depend on its neighbours.
 */
import type { Dispatch } from "../../program/dispatch.js";
import { activeRows, address, matrixBinding, scratchOf } from "../rows.js";
import { kernelOf } from "../wgsl.js";
import { type AttentionShape, cacheWgsl, cappedWgsl, NO_ROW, NO_SCORE, visibleWgsl } from "./shape.js";

const THREADS = 128;
const QUERIES = 32;
const KEYS = 32;
/** Units of the head that are in workgroup memory at a time, for scores, and units of values. */
const SCORE_UNITS = 8;
const VALUE_UNITS = 16;
/** Vectors between rows in workgroup memory; odd, so that neighbours do not meet in a bank. */
const STRIDE = SCORE_UNITS + 1;

export function lowerTiles(shape: AttentionShape, countWord: number): Dispatch {
  const { spec, format, kvHeads, group, queries } = shape;
  const { layer } = spec.attrs;
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    { name: "queries", element: "vec4<f32>", access: "read" as const },
    { name: "keys", element: format.element, access: "read" as const },
    { name: "values", element: format.element, access: "read" as const },
    { name: "positions", element: "i32", access: "read" as const },
    matrixBinding("y_rows", "read-write"),
  ];
  return {
    kernel: kernelOf(`attention_tile.${format.dtype}`, bindings, body(shape, countWord)),
    label: `${spec.label} layer ${layer}`,
    operands: [
      { space: "call" },
      { space: "scratch", slot: queries },
      { space: "keys", layer },
      { space: "values", layer },
      { space: "positions" },
      scratchOf(spec.y),
    ],
    params: [],
    grid: (size) => [Math.ceil((activeRows(spec.q, size) * group) / QUERIES), kvHeads, 1],
    weightBytes: 0,
  };
}

function body(shape: AttentionShape, countWord: number): string {
  const { spec, group } = shape;
  const isLimited = spec.attrs.causal || spec.attrs.window !== undefined;
  return `
var<workgroup> tile: array<vec4<f32>, ${Math.max((QUERIES + KEYS) * STRIDE, KEYS * VALUE_UNITS)}>;
var<workgroup> weights: array<vec4<f32>, ${(QUERIES * KEYS) / 4}>;
var<workgroup> maxima: array<vec4<f32>, ${THREADS}>;
var<workgroup> rows: array<u32, ${KEYS}>;
var<workgroup> row_positions: array<i32, ${KEYS}>;
var<workgroup> is_seen: u32;
${cacheWgsl(shape)}
${cappedWgsl(shape)}
fn row_of(pair: u32) -> u32 { return pair / ${group}u; }
fn is_visible(key: i32, queries_at: vec4<i32>) -> vec4<bool> {
  let key_at = vec4<i32>(key);
  return ${visibleWgsl(shape, "key_at", "queries_at", true)};
}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let kv_head = group.y;
  let origin = group.x * ${QUERIES}u;
  let last = min(origin + ${QUERIES}u, call[${countWord}] * ${group}u);
  let column = lane % 8u; // with queries column, column + 8, column + 16, column + 24
  let slice = lane / 8u; // with keys slice, slice + 16, and units of values slice, slice + 16, ...
  let pairs = vec4<u32>(origin + column) + vec4<u32>(0u, 8u, 16u, 24u);
  var first = origin;
  while (first < last) {
    let sequence = call[${spec.sequences}u + row_of(first)];
    var next = min((row_of(first) + 1u) * ${group}u, last);
    while (next < last) {
      if (call[${spec.sequences}u + row_of(next)] != sequence) { break; }
      next = min(next + ${group}u, last);
    }
    let length = call[${spec.lengths}u + sequence];
    let is_ours = (pairs >= vec4<u32>(first)) & (pairs < vec4<u32>(next));
    ${positionsWgsl(shape)}
    var m = vec4<f32>(${NO_SCORE});
    var l = vec4<f32>(0f);
    ${eachOutput(shape, (o) => `var ${o} = vec4<f32>(0f);`).join("\n    ")}
    for (var begin = 0u; begin < length; begin += ${KEYS}u) {
      if (lane < ${KEYS}u) {
        let index = begin + lane;
        let row = cache_row(sequence, min(index, length - 1u));
        let key = positions[row];
        let counts = index < length && ${visibleToSome(shape)};
        rows[lane] = select(${NO_ROW}, row, counts);
        row_positions[lane] = key;
      }
      workgroupBarrier();
      ${isLimited ? skipWgsl() : ""}
      ${scoresWgsl(shape)}
      ${softmaxWgsl()}
      ${valuesWgsl(shape)}
    }
    ${writeWgsl(shape)}
    first = next;
  }
}`;
}

/** Positions of an invocation's queries, and the least and greatest of all queries of the sequence. */
function positionsWgsl({ spec }: AttentionShape): string {
  const at = (row: string) => `bitcast<i32>(call[${spec.positions}u + ${row}])`;
  const ours = [0, 1, 2, 3].map((i) => at(`row_of(min(pairs[${i}], last - 1u))`));
  return `
    let queries_at = vec4<i32>(${ours.join(", ")});
    var earliest = ${at("row_of(first)")};
    var latest = earliest;
    for (var row = row_of(first); row <= row_of(next - 1u); row++) {
      earliest = min(earliest, ${at("row")});
      latest = max(latest, ${at("row")});
    }`;
}

function visibleToSome({ spec }: AttentionShape): string {
  const { causal, window } = spec.attrs;
  const limits = [
    ...(causal ? ["key <= latest"] : []),
    ...(window === undefined ? [] : [`earliest - key < ${window}`]),
  ];
  return limits.length === 0 ? "true" : limits.join(" && ");
}

function skipWgsl(): string {
  return `
      if (lane == 0u) {
        var found = 0u;
        for (var i = 0u; i < ${KEYS}u; i++) { found |= select(1u, 0u, rows[i] == ${NO_ROW}); }
        is_seen = found;
      }
      if (workgroupUniformLoad(&is_seen) == 0u) { continue; }`;
}

/** Leaves the scores of an invocation's queries with two keys in s0, s1. */
function scoresWgsl({ heads, group, keyUnits }: AttentionShape): string {
  const queryAt = (i: number) => `tile[(column + ${8 * i}u) * ${STRIDE}u + u]`;
  return `
      var s0 = vec4<f32>(0f);
      var s1 = vec4<f32>(0f);
      for (var start = 0u; start < ${keyUnits}u; start += ${SCORE_UNITS}u) {
        for (var i = lane; i < ${(QUERIES + KEYS) * SCORE_UNITS}u; i += ${THREADS}u) {
          let at = i / ${SCORE_UNITS}u;
          let u = start + i % ${SCORE_UNITS}u;
          var loaded = vec4<f32>(0f);
          if (u < ${keyUnits}u) {
            if (at < ${QUERIES}u) {
              let pair = min(origin + at, last - 1u);
              let head = kv_head * ${group}u + pair % ${group}u;
              loaded = queries[(row_of(pair) * ${heads}u + head) * ${keyUnits}u + u];
            } else if (rows[at - ${QUERIES}u] != ${NO_ROW}) {
              loaded = load_key(key_base(rows[at - ${QUERIES}u], kv_head), u);
            }
          }
          tile[at * ${STRIDE}u + i % ${SCORE_UNITS}u] = loaded;
        }
        workgroupBarrier();
        for (var u = 0u; u < ${SCORE_UNITS}u; u++) {
          let q = array<vec4<f32>, 4>(${[0, 1, 2, 3].map(queryAt).join(", ")});
          let k0 = tile[(${QUERIES}u + slice) * ${STRIDE}u + u];
          let k1 = tile[(${QUERIES}u + slice + 16u) * ${STRIDE}u + u];
          s0 += vec4<f32>(dot(q[0], k0), dot(q[1], k0), dot(q[2], k0), dot(q[3], k0));
          s1 += vec4<f32>(dot(q[0], k1), dot(q[1], k1), dot(q[2], k1), dot(q[3], k1));
        }
        workgroupBarrier();
      }`;
}

/** Scores to weights relative to the new maximum; updates m, leaves alpha. */
function softmaxWgsl(): string {
  const seen = (key: string) =>
    `is_ours & vec4<bool>(rows[${key}] != ${NO_ROW}) & is_visible(row_positions[${key}], queries_at)`;
  return `
      let seen0 = ${seen("slice")};
      let seen1 = ${seen("slice + 16u")};
      s0 = select(vec4<f32>(${NO_SCORE}), capped(s0), seen0);
      s1 = select(vec4<f32>(${NO_SCORE}), capped(s1), seen1);
      maxima[lane] = max(s0, s1);
      workgroupBarrier();
      var most = m;
      for (var i = 0u; i < 16u; i++) { most = max(most, maxima[i * 8u + column]); }
      let alpha = exp(m - most);
      m = most;
      weights[lane] = select(vec4<f32>(0f), exp(s0 - m), seen0);
      weights[lane + ${THREADS}u] = select(vec4<f32>(0f), exp(s1 - m), seen1);`;
}

/** Adds the tile's values to the outputs; the sum of the weights grows along with the first of them. */
function valuesWgsl(shape: AttentionShape): string {
  const { valueUnits } = shape;
  const chunks = Math.ceil(valueUnits / VALUE_UNITS);
  const parts = Array.from({ length: chunks }, (_, c) => {
    const width = Math.min(VALUE_UNITS, valueUnits - c * VALUE_UNITS);
    return `
      for (var i = lane; i < ${KEYS * width}u; i += ${THREADS}u) {
        let row = rows[i / ${width}u];
        var loaded = vec4<f32>(0f);
        if (row != ${NO_ROW}) { loaded = load_value(value_base(row, kv_head), ${c * VALUE_UNITS}u + i % ${width}u); }
        tile[i] = loaded;
      }
      workgroupBarrier();
      for (var k = 0u; k < ${KEYS}u; k++) {
        let weight = weights[k * 8u + column];
        ${c === 0 ? "l += weight;" : ""}
        let value = tile[k * ${width}u + min(slice, ${width - 1}u)];
        ${[0, 1, 2, 3].map((i) => `o${c}_${i} += weight[${i}] * value;`).join("\n        ")}
      }
      workgroupBarrier();`;
  });
  return `
      l *= alpha;
      ${eachOutput(shape, (o, i) => `${o} *= alpha[${i}];`).join("\n      ")}
      ${parts.join("")}`;
}

function writeWgsl(shape: AttentionShape): string {
  const { spec, group, valueUnits } = shape;
  const { valueDim } = spec.attrs;
  const chunks = Math.ceil(valueUnits / VALUE_UNITS);
  const column = `head * ${valueDim}u + 4u * unit + d`;
  return [0, 1, 2, 3]
    .map((i) => {
      const units = Array.from(
        { length: chunks },
        (_, c) => `{
        let unit = ${c * VALUE_UNITS}u + slice;
        if (unit < ${Math.min(valueUnits, (c + 1) * VALUE_UNITS)}u) {
          let result = select(vec4<f32>(0f), o${c}_${i} / l[${i}], l[${i}] > 0f);
          for (var d = 0u; d < min(4u, ${valueDim}u - 4u * unit); d++) {
            y_rows[${address(spec.y, "row", column)}] = result[d];
          }
        }
      }`,
      );
      return `
    if (is_ours[${i}]) {
      let row = row_of(pairs[${i}]);
      let head = kv_head * ${group}u + pairs[${i}] % ${group}u;
      ${units.join("\n      ")}
    }`;
    })
    .join("");
}

/** A statement for each output vector: `o<chunk of values>_<query>`. */
function eachOutput({ valueUnits }: AttentionShape, text: (name: string, query: number) => string): string[] {
  const chunks = Math.ceil(valueUnits / VALUE_UNITS);
  return Array.from({ length: 4 * chunks }, (_, i) => text(`o${i >> 2}_${i & 3}`, i & 3));
}
