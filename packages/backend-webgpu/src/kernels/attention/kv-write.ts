/**
 * kv_write: RoPE; keys, values and positions of a call's rows go to their rows of the cache, rounded as its type asks, and
 * queries, rotated and scaled, to a matrix of whole units. A workgroup a head of a row: keys, then values, then queries.
 */

import { HALF_WGSL } from "../../kv/f16.js";
import type { Matrix } from "../../lower/matrix.js";
import type { Dispatch } from "../../program/dispatch.js";
import { activeRows, address, matrixBinding, scratchOf } from "../rows.js";
import { f32Literal, kernelOf } from "../wgsl.js";
import type { AttentionShape } from "./shape.js";

const THREADS = 64;

export function lowerKvWrite(shape: AttentionShape): Dispatch {
  const { spec, format, heads, kvHeads, queries } = shape;
  const { attrs } = spec;
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    matrixBinding("q_rows", "read"),
    matrixBinding("k_rows", "read"),
    matrixBinding("v_rows", "read"),
    { name: "keys", element: format.element, access: "read-write" as const },
    { name: "values", element: format.element, access: "read-write" as const },
    { name: "positions", element: "u32", access: "read-write" as const },
    { name: "queries", element: "vec4<f32>", access: "read-write" as const },
  ];
  return {
    kernel: kernelOf(`kv_write.${format.dtype}`, bindings, body(shape)),
    label: `${spec.label} layer ${attrs.layer}`,
    operands: [
      { space: "call" },
      scratchOf(spec.q),
      scratchOf(spec.k),
      scratchOf(spec.v),
      { space: "keys", layer: attrs.layer },
      { space: "values", layer: attrs.layer },
      { space: "positions" },
      { space: "scratch", slot: queries },
    ],
    params: [],
    grid: (size) => [2 * kvHeads + heads, activeRows(spec.q, size), 1],
    weightBytes: 0,
  };
}

function body(shape: AttentionShape): string {
  const { spec, format, heads, kvHeads, keyUnits, valueUnits } = shape;
  const { headDim, valueDim, scale } = spec.attrs;
  const [keyElements, valueElements] = [format.headElements(headDim), format.headElements(valueDim)];
  return `
var<workgroup> staged: array<vec4<f32>, ${Math.max(keyUnits, valueUnits)}>;
${HALF_WGSL}
${elementWgsl("query_element", "q_rows", spec.q, headDim, shape)}
${elementWgsl("key_element", "k_rows", spec.k, headDim, shape)}
${elementWgsl("value_element", "v_rows", spec.v, valueDim, undefined)}
${format.store("store_key", "keys", "staged", headDim)}
${format.store("store_value", "values", "staged", valueDim)}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  let cache_row = call[${spec.writeRows}u + row];
  if (group.x < ${kvHeads}u) {
    for (var u = lane; u < ${keyUnits}u; u += ${THREADS}u) { staged[u] = ${unitWgsl("key_element", "group.x")}; }
    workgroupBarrier();
    let head = (cache_row * ${kvHeads}u + group.x) * ${keyElements}u;
    for (var i = lane; i < ${format.pieces(headDim)}u; i += ${THREADS}u) { store_key(head, i); }
    if (group.x == 0u && lane == 0u) { positions[cache_row] = call[${spec.positions}u + row]; }
  } else if (group.x < ${2 * kvHeads}u) {
    let kv_head = group.x - ${kvHeads}u;
    for (var u = lane; u < ${valueUnits}u; u += ${THREADS}u) { staged[u] = ${unitWgsl("value_element", "kv_head")}; }
    workgroupBarrier();
    let head = (cache_row * ${kvHeads}u + kv_head) * ${valueElements}u;
    for (var i = lane; i < ${format.pieces(valueDim)}u; i += ${THREADS}u) { store_value(head, i); }
  } else {
    let head = group.x - ${2 * kvHeads}u;
    for (var u = lane; u < ${keyUnits}u; u += ${THREADS}u) {
      queries[(row * ${heads}u + head) * ${keyUnits}u + u] = ${f32Literal(scale)} * ${unitWgsl("query_element", "head")};
    }
  }
}`;
}

/** Unit `u` of a head. */
function unitWgsl(element: string, head: string): string {
  const values = [0, 1, 2, 3].map((i) => `${element}(row, ${head}, 4u * u + ${i}u)`);
  return `vec4<f32>(${values.join(", ")})`;
}

/** `fn name(row, head, i) -> f32`: an element of a head, rotated if `shape` says so; zero past the head's end. */
function elementWgsl(
  name: string,
  array: string,
  matrix: Matrix,
  size: number,
  shape: AttentionShape | undefined,
): string {
  const at = (i: string) => `${array}[${address(matrix, "row", `head * ${size}u + ${i}`)}]`;
  return `
fn ${name}(row: u32, head: u32, i: u32) -> f32 {
  if (i >= ${size}u) { return 0f; }
  let here = ${at("i")};
  ${rotationWgsl(at, shape)}
  return here;
}`;
}

function rotationWgsl(at: (i: string) => string, shape: AttentionShape | undefined): string {
  const { rotation, attrs } = shape?.spec ?? {};
  if (!rotation || !attrs?.rope || rotation.pairs === 0) return "";
  const { words, pairs } = rotation;
  const { interleaved } = attrs.rope;
  return `if (i < ${2 * pairs}u) {
    let is_second = ${interleaved ? "(i & 1u) == 1u" : `i >= ${pairs}u`};
    let other = ${at(interleaved ? "(i ^ 1u)" : `select(i + ${pairs}u, i - ${pairs}u, is_second)`)};
    let turn = ${words}u + row * ${2 * pairs}u + ${interleaved ? "i / 2u" : `i % ${pairs}u`};
    return here * bitcast<f32>(call[turn]) + select(-other, other, is_second) * bitcast<f32>(call[turn + ${pairs}u]);
  }`;
}
