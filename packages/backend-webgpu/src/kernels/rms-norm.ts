/** rms_norm: y = x / sqrt(mean(x^2) + epsilon) * weight. A workgroup a row; sums meet in workgroup memory. */
import type { Matrix } from "../lower/matrix.js";
import type { Workspace } from "../lower/specs.js";
import type { Dispatch } from "../program/dispatch.js";
import type { PlacedWeight } from "../weights/placed-weight.js";
import { address, matrixBinding, rowGrid, rowGuard, scratchOf } from "./rows.js";
import { f32Literal, kernelOf, param } from "./wgsl.js";

const THREADS = 128;

export interface RmsNormSpec {
  readonly label: string;
  readonly x: Matrix;
  /** Row r of y comes from row call[gather + r] of x. */
  readonly gather?: number | undefined;
  readonly weight: PlacedWeight;
  readonly epsilon: number;
  readonly y: Matrix;
}

export function lowerRmsNorm(spec: RmsNormSpec, workspace: Workspace): Dispatch {
  const { x, y, weight, gather } = spec;
  const part = weight.parts[0]!;
  const source = gather === undefined ? "row" : `min(call[${gather}u + row], ${x.rows - 1}u)`;
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    matrixBinding("x_rows", "read"),
    matrixBinding("weight", "read"),
    matrixBinding("y_rows", "read-write"),
  ];
  const body = `
var<workgroup> sums: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  if (${rowGuard(y, workspace)}) { return; }
  let source = ${source};
  var squares = 0f;
  for (var i = lane; i < ${x.width}u; i += ${THREADS}u) {
    let value = x_rows[${address(x, "source", "i")}];
    squares += value * value;
  }
  sums[lane] = squares;
  workgroupBarrier();
  for (var half = ${THREADS / 2}u; half > 0u; half >>= 1u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  let factor = 1 / sqrt(sums[0] / ${f32Literal(x.width)} + ${f32Literal(spec.epsilon)});
  for (var i = lane; i < ${x.width}u; i += ${THREADS}u) {
    y_rows[${address(y, "row", "i")}] = x_rows[${address(x, "source", "i")}] * factor * weight[${param(0)} + i];
  }
}`;
  return {
    kernel: kernelOf("rms_norm", bindings, body),
    label: spec.label,
    operands: [{ space: "call" }, scratchOf(x), { space: "weights", page: part.page }, scratchOf(y)],
    params: [part.offset / 4],
    grid: rowGrid(y, 1),
    weightBytes: 0,
  };
}
