/** add, mul, and functions of one number, alone or times a second one: element by element. One invocation an element. */
import type { OpNode } from "@millet/core/ops";
import type { Matrix } from "../lower/matrix.js";
import type { Workspace } from "../lower/specs.js";
import type { Dispatch } from "../program/dispatch.js";
import { address, matrixBinding, rowGrid, rowGuard, scratchOf } from "./rows.js";
import { unaryOf, unaryWgsl } from "./unary.js";
import { kernelOf } from "./wgsl.js";

/** The node's op on its operands a and b; ops of one operand have no b. */
export function lowerElementwise(
  node: OpNode,
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
  const unary = unaryOf(node);
  const body = `${unary ? unaryWgsl("unary", [unary]) : ""}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let column = id.x;
  let row = id.y;
  if (column >= ${y.width}u || ${rowGuard(y, workspace)}) { return; }
  ${loads.join("\n  ")}
  y_rows[${address(y, "row", "column")}] = ${expressionOf(node)};
}`;
  return {
    kernel: kernelOf(node.op, bindings, body),
    label,
    operands: [{ space: "call" }, ...inputs.map(scratchOf), scratchOf(y)],
    params: [],
    grid: rowGrid(y, Math.ceil(y.width / 64)),
    weightBytes: 0,
  };
}

function expressionOf({ op, inputs }: OpNode): string {
  if (op === "add") return "a + b";
  if (op === "mul") return "a * b";
  return inputs.length === 2 ? "unary(a) * b" : "unary(a)";
}
