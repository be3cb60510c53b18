/** How simple kernels address the rows of matrices, and how many workgroups they need. */
import type { Matrix } from "../lower/matrix.js";
import type { Workspace } from "../lower/specs.js";
import type { CallSize, Operand } from "../program/dispatch.js";
import type { Binding } from "./wgsl.js";

/** WGSL for the index of an element in the slot of a matrix. */
export function address(matrix: Matrix, row: string, column: string): string {
  return `${matrix.offset}u + ${row} * ${matrix.stride}u + ${column}`;
}

/** WGSL that is true for rows that the call does not fill; needs the binding `call` as u32. */
export function rowGuard({ axis, rows }: Matrix, workspace: Workspace): string {
  return axis === "fixed" ? `row >= ${rows}u` : `row >= call[${workspace.countWord(axis)}]`;
}

export function matrixBinding(name: string, access: Binding["access"]): Binding {
  return { name, element: "f32", access };
}

export function scratchOf({ slot }: Matrix): Operand {
  return { space: "scratch", slot };
}

/** Active rows of a matrix in a call. */
export function activeRows({ axis, rows }: Pick<Matrix, "axis" | "rows">, size: CallSize): number {
  return axis === "fixed" ? rows : size[axis];
}

/** `columns` workgroups for each active row. */
export function rowGrid(matrix: Matrix, columns: number) {
  return (size: CallSize) => [columns, activeRows(matrix, size), 1] as const;
}
