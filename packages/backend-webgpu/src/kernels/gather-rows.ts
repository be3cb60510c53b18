/** gather_rows: row r of y is row call[indices + r] of x. One invocation an element. */
import type { Matrix } from "../lower/matrix.js";
import type { Workspace } from "../lower/specs.js";
import type { Dispatch } from "../program/dispatch.js";
import { address, matrixBinding, rowGrid, rowGuard, scratchOf } from "./rows.js";
import { kernelOf } from "./wgsl.js";

/** @param indices word of the call buffer where the row numbers begin */
export function lowerGatherRows(
  label: string,
  x: Matrix,
  y: Matrix,
  indices: number,
  workspace: Workspace,
): Dispatch {
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
  if (column >= ${y.width}u || ${rowGuard(y, workspace)}) { return; }
  let source = min(call[${indices}u + row], ${x.rows - 1}u);
  y_rows[${address(y, "row", "column")}] = x_rows[${address(x, "source", "column")}];
}`;
  return {
    kernel: kernelOf("gather_rows", bindings, body),
    label,
    operands: [{ space: "call" }, scratchOf(x), scratchOf(y)],
    params: [],
    grid: rowGrid(y, Math.ceil(y.width / 64)),
    weightBytes: 0,
  };
}
