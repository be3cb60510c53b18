/**
 * kv_write: RoPE; keys, values and positions of a call's rows go to their rows of the cache, rounded as its type asks, and
 * queries, rotated and scaled, to a matrix of whole units. An invocation a piece of a head: of the row's keys, after of its
 * values, after of its queries.
 */

import { HALF_WGSL } from "../../kv/f16.js";
import type { Matrix } from "../../lower/matrix.js";
import type { Dispatch } from "../../program/dispatch.js";
import { activeRows, address, matrixBinding, scratchOf } from "../rows.js";
import { f32Literal, kernelOf } from "../wgsl.js";
import type { AttentionShape } from "./shape.js";

const THREADS = 64;

export function lowerKvWrite(shape: AttentionShape): Dispatch {
  const { spec, format, queries } = shape;
  const { attrs } = spec;
  const pieces = sum(piecesOf(shape));
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
    grid: (size) => [Math.ceil(pieces / THREADS), activeRows(spec.q, size), 1],
    weightBytes: 0,
  };
}

/** Pieces that a row has of keys, of values and of queries. */
function piecesOf({ spec, format, heads, kvHeads, keyUnits }: AttentionShape): readonly number[] {
  const { headDim, valueDim } = spec.attrs;
  return [kvHeads * format.pieces(headDim), kvHeads * format.pieces(valueDim), heads * keyUnits];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function body(shape: AttentionShape): string {
  const { spec, format, heads, kvHeads, keyUnits } = shape;
  const { headDim, valueDim, scale } = spec.attrs;
  const [keyPieces, valuePieces] = [format.pieces(headDim), format.pieces(valueDim)];
  const [allKeys, allValues, allQueries] = piecesOf(shape);
  const base = (size: number) => `(cache_row * ${kvHeads}u + head) * ${format.headElements(size)}u`;
  return `
${HALF_WGSL}
${unitWgsl("query", "q_rows", spec.q, headDim, shape)}
${unitWgsl("key", "k_rows", spec.k, headDim, shape)}
${unitWgsl("value", "v_rows", spec.v, valueDim, undefined)}
${format.store("store_key", "keys", "key_unit", headDim)}
${format.store("store_value", "values", "value_unit", valueDim)}
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.y;
  let cache_row = call[${spec.writeRows}u + row];
  var i = id.x;
  if (i < ${allKeys}u) {
    let head = i / ${keyPieces}u;
    store_key(${base(headDim)}, row, head, i % ${keyPieces}u);
    if (i == 0u) { positions[cache_row] = call[${spec.positions}u + row]; }
    return;
  }
  i -= ${allKeys}u;
  if (i < ${allValues}u) {
    let head = i / ${valuePieces}u;
    store_value(${base(valueDim)}, row, head, i % ${valuePieces}u);
    return;
  }
  i -= ${allValues}u;
  if (i < ${allQueries}u) {
    queries[row * ${heads * keyUnits}u + i] = ${f32Literal(scale)} * query_unit(row, i / ${keyUnits}u, i % ${keyUnits}u);
  }
}`;
}

/** `fn <name>_unit(row, head, unit) -> vec4<f32>`: elements of a head, as elementWgsl has them. */
function unitWgsl(...operand: Parameters<typeof elementWgsl>): string {
  const [name] = operand;
  const values = [0, 1, 2, 3].map((i) => `${name}_element(row, head, 4u * unit + ${i}u)`);
  return `${elementWgsl(...operand)}
fn ${name}_unit(row: u32, head: u32, unit: u32) -> vec4<f32> {
  return vec4<f32>(${values.join(", ")});
}`;
}

/** `fn <name>_element(row, head, i) -> f32`: an element of a head, rotated if `shape` says so; zero past the head's end. */
function elementWgsl(
  name: string,
  array: string,
  matrix: Matrix,
  size: number,
  shape: AttentionShape | undefined,
): string {
  const at = (i: string) => `${array}[${address(matrix, "row", `head * ${size}u + ${i}`)}]`;
  return `
fn ${name}_element(row: u32, head: u32, i: u32) -> f32 {
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
