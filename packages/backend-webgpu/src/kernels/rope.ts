/** rope: rotates pairs of elements of each head by the call's table of rotations. One invocation an element pair. */
import type { RopeOpAttrs } from "@millet/core/ops";
import type { Matrix } from "../lower/matrix.js";
import type { Workspace } from "../lower/specs.js";
import type { Dispatch } from "../program/dispatch.js";
import { address, matrixBinding, rowGrid, rowGuard, scratchOf } from "./rows.js";
import { kernelOf } from "./wgsl.js";

/** @param table word of the call buffer where the table of rotations begins */
export function lowerRope(
  label: string,
  x: Matrix,
  y: Matrix,
  attrs: RopeOpAttrs,
  table: number,
  workspace: Workspace,
): Dispatch {
  const pairs = attrs.inverseFrequencies.length;
  const { headDim, interleaved } = attrs;
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    matrixBinding("x_rows", "read"),
    matrixBinding("y_rows", "read-write"),
  ];
  const body = `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let column = id.x;
  let row = id.y;
  if (column >= ${x.width}u || ${rowGuard(y, workspace)}) { return; }
  let i = column % ${headDim}u;
  let here = x_rows[${address(x, "row", "column")}];
  var value = here;
  if (i < ${2 * pairs}u) {
    let pair = ${interleaved ? "i / 2u" : `i % ${Math.max(pairs, 1)}u`};
    let second = ${interleaved ? "i % 2u == 1u" : `i >= ${pairs}u`};
    let distance = ${interleaved ? 1 : pairs}u;
    let other = x_rows[${address(x, "row", "select(column + distance, column - distance, second)")}];
    let at = ${table}u + row * ${2 * pairs}u + pair;
    let cosine = bitcast<f32>(call[at]);
    let sine = bitcast<f32>(call[at + ${pairs}u]);
    value = here * cosine + select(-other, other, second) * sine;
  }
  y_rows[${address(y, "row", "column")}] = value;
}`;
  return {
    kernel: kernelOf("rope", bindings, body),
    label,
    operands: [{ space: "call" }, scratchOf(x), scratchOf(y)],
    params: [],
    grid: rowGrid(y, Math.ceil(x.width / 64)),
    weightBytes: 0,
  };
}
