/** Where a value's rows lie within a scratch slot. */
import type { RowAxis, Value } from "@millet/core/graph";

/** f32 rows in a slot. Rows begin `stride` floats apart, a multiple of 4; what lies between two rows is undefined. */
export interface Matrix {
  readonly slot: number;
  /** Floats before the first row; a multiple of 4 unless the matrix is a range of columns of another. */
  readonly offset: number;
  readonly stride: number;
  readonly width: number;
  /** Most rows in the program at hand. */
  readonly rows: number;
  readonly axis: RowAxis;
}

/** Floats between the beginnings of rows of `width`. */
export function strideOf(width: number): number {
  return Math.ceil(width / 4) * 4;
}

/** Columns `from` and after of a matrix. */
export function columnsOf(matrix: Matrix, from: number, width: number): Matrix {
  return { ...matrix, offset: matrix.offset + from, width };
}

/** Most rows of a value in a program for at most `tokens` active rows of tokens and `logits` of logits. */
export function rowsOf(value: Value, most: { readonly tokens: number; readonly logits: number }): number {
  const rows = value.spec.shape.length < 2 && value.kind === "weight" ? 1 : (value.spec.shape[0] ?? 1);
  return value.rowAxis === "fixed" ? rows : Math.min(rows, most[value.rowAxis]);
}
