/**
 * rms_norm and layer_norm: y = (x - mean) * factor * weight + bias over groups of columns, where the mean is 0 for rms_norm
 * and the factor 1 / sqrt(mean of squares + epsilon). A workgroup a group of a row; sums meet in workgroup memory.
 * One dispatch serves several norms of the same rows, such as those of q and k; a single one may add a residual.
 */
import type { Matrix } from "../lower/matrix.js";
import type { Workspace } from "../lower/specs.js";
import type { Dispatch, Operand } from "../program/dispatch.js";
import type { PlacedWeight } from "../weights/placed-weight.js";
import { address, matrixBinding, rowGrid, rowGuard, scratchOf } from "./rows.js";
import { f32Literal, kernelOf, param } from "./wgsl.js";

/** One norm. Its x and y have equally many columns. */
export interface NormPart {
  readonly x: Matrix;
  /** As long as a group, or as all columns; the bias as the weight. */
  readonly weight: PlacedWeight;
  readonly bias?: PlacedWeight | undefined;
  readonly groups: number;
  readonly y: Matrix;
}

export interface NormSpec {
  readonly label: string;
  readonly op: "rms_norm" | "layer_norm";
  readonly epsilon: number;
  /** Their y lie in one slot. */
  readonly parts: readonly NormPart[];
  /** Row r of y comes from row call[gather + r] of x. */
  readonly gather?: number | undefined;
  /** Added to y; of the same rows and columns. */
  readonly residual?: Matrix | undefined;
}

export function lowerNorm(spec: NormSpec, workspace: Workspace): Dispatch {
  const { op, label, parts } = spec;
  const y = parts[0]!.y;
  const { slots, pages } = sourcesOf(spec);
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    ...slots.map((_, i) => matrixBinding(`slot_${i}`, "read")),
    ...pages.map((_, i) => matrixBinding(`page_${i}`, "read")),
    matrixBinding("y_rows", "read-write"),
  ];
  return {
    kernel: kernelOf(op, bindings, source(spec, workspace)),
    label,
    operands: [
      { space: "call" },
      ...slots.map((slot): Operand => ({ space: "scratch", slot })),
      ...pages.map((page): Operand => ({ space: "weights", page })),
      scratchOf(y),
    ],
    params: parts.flatMap((part) => [0, 1].map((i) => vectorsOf(part)[i]?.word ?? 0)),
    grid: rowGrid(
      y,
      parts.reduce((sum, { groups }) => sum + groups, 0),
    ),
    weightBytes: 0,
  };
}

/** Slots and pages that are read, each once: kernels know them by their places in these lists. */
function sourcesOf({ parts, residual }: NormSpec) {
  const matrices = [...parts.map(({ x }) => x), ...(residual ? [residual] : [])];
  return {
    slots: [...new Set(matrices.map(({ slot }) => slot))],
    pages: [...new Set(parts.flatMap(vectorsOf).map(({ page }) => page))],
  };
}

/** Where weight and bias lie. */
function vectorsOf({ weight, bias }: NormPart): { readonly page: number; readonly word: number }[] {
  return [weight, ...(bias ? [bias] : [])].map(({ parts: [part] }) => {
    return { page: part!.page, word: part!.offset / 4 };
  });
}

function source(spec: NormSpec, workspace: Workspace): string {
  const { parts, gather } = spec;
  const threads = threadsFor(Math.max(...parts.map(widthOf)));
  const { x, y } = parts[0]!;
  const from = gather === undefined ? "row" : `min(call[${gather}u + row], ${x.rows - 1}u)`;
  let first = 0;
  const branches = parts.map((part, i) => {
    const text = branch(spec, part, `(workgroup.x - ${first}u)`, i, threads);
    first += part.groups;
    return i === parts.length - 1 ? `{${text}}` : `if (workgroup.x < ${first}u) {${text}}`;
  });
  return `
var<workgroup> partial: array<f32, ${threads}>;
fn total(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  partial[lane] = value;
  workgroupBarrier();
  for (var half = ${threads / 2}u; half > 0u; half >>= 1u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  return partial[0];
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = workgroup.y;
  if (${rowGuard(y, workspace)}) { return; }
  let source = ${from};
  ${branches.join(" else ")}
}`;
}

function widthOf({ x, groups }: NormPart): number {
  return x.width / groups;
}

function threadsFor(width: number): number {
  return width <= 64 ? 32 : width <= 256 ? 64 : 128;
}

/** Statements for the group that is number `group` of a part. */
function branch(spec: NormSpec, part: NormPart, group: string, index: number, threads: number): string {
  const { op, epsilon, residual } = spec;
  const { x, y, weight, bias } = part;
  const { slots, pages } = sourcesOf(spec);
  const width = widthOf(part);
  const loop = (body: string) => `for (var i = lane; i < ${width}u; i += ${threads}u) { ${body} }`;
  const at = (matrix: Matrix, row: string) =>
    `slot_${slots.indexOf(matrix.slot)}[${address(matrix, row, "first + i")}]`;
  const isLayer = op === "layer_norm";
  const value = isLayer ? `(${at(x, "source")} - mean)` : at(x, "source");
  const mean = `
    var sum = 0f;
    ${loop(`sum += ${at(x, "source")};`)}
    let mean = total(lane, sum) / ${f32Literal(width)};`;
  const column = weight.spec.shape[0] === width ? "i" : "first + i";
  const vectors = vectorsOf(part).map(
    ({ page }, i) => `page_${pages.indexOf(page)}[${param(2 * index + i)} + ${column}]`,
  );
  const terms = [
    ...(residual ? [at(residual, "row")] : []),
    `${value} * factor * ${vectors[0]}`,
    ...(bias ? [vectors[1]!] : []),
  ];
  return `
    let first = ${group} * ${width}u;${isLayer ? mean : ""}
    var squares = 0f;
    ${loop(`let value = ${value}; squares += value * value;`)}
    let factor = 1 / sqrt(total(lane, squares) / ${f32Literal(width)} + ${f32Literal(epsilon)});
    ${loop(`y_rows[${address(y, "row", "first + i")}] = ${terms.join(" + ")};`)}
  `;
}
