/** add, mul, silu, swiglu: element by element over the active rows of one or two matrices. One invocation an element. */
import type { Matrix } from "../lower/matrix.js";
import type { Workspace } from "../lower/specs.js";
import type { Dispatch } from "../program/dispatch.js";
import { address, matrixBinding, rowGrid, rowGuard, scratchOf } from "./rows.js";
import { kernelOf } from "./wgsl.js";

const EXPRESSIONS = {
  add: "a + b",
  mul: "a * b",
  silu: "a / (1 + exp(-a))",
  swiglu: "a / (1 + exp(-a)) * b",
} as const;

export type ElementwiseOp = keyof typeof EXPRESSIONS;

/** y = op(a, b); `b` is absent for silu. */
export function lowerElementwise(
  op: ElementwiseOp,
  label: string,
  inputs: readonly Matrix[],
  y: Matrix,
  workspace: Workspace,
): Dispatch {
  const names = ["a", "b"].slice(0, inputs.length);
  const loads = inputs.map(
    (matrix, i) => `let ${names[i]} = ${names[i]}_rows[${address(matrix, "row", "column")}];`,
  );
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    ...inputs.map((_, i) => matrixBinding(`${names[i]}_rows`, "read")),
    matrixBinding("y_rows", "read-write"),
  ];
  const body = `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let column = id.x;
  let row = id.y;
  if (column >= ${y.width}u || ${rowGuard(y, workspace)}) { return; }
  ${loads.join("\n  ")}
  y_rows[${address(y, "row", "column")}] = ${EXPRESSIONS[op]};
}`;
  return {
    kernel: kernelOf(op, bindings, body),
    label,
    operands: [{ space: "call" }, ...inputs.map(scratchOf), scratchOf(y)],
    params: [],
    grid: rowGrid(y, Math.ceil(y.width / 64)),
    weightBytes: 0,
  };
}
