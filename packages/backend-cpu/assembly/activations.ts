/**
 * Quantized activations: per row and block of 32 inputs 48 bytes. Rows stand in groups of four while four (or three,
 * with a row of zeros) are left, then singly:
 *   group:  8 vectors, of which vector e holds inputs 4e..4e+3 of the four rows, then for the four rows each
 *           f32 scale, i32 sum, f32 scale * sum, i32 sum of the first 16
 *   single: 32 int8, { f32 scale, i32 -8 * sum, f32 scale * sum, i32 -8 * sum of the first 16 }
 * Row r's group therefore starts at (r - r % 4) * blocks * 48, and a single row at r * blocks * 48.
 */

export enum Activations {
  BlockBytes = 48,
  GroupBytes = 192,
  /** Statistics after the int8 values. */
  SingleStatistics = 32,
  GroupStatistics = 128,
}

/** Rows that stand in groups of four. */
@inline
export function groupedRows(rows: i32): i32 {
  return (rows & 3) == 3 ? rows + 1 : rows & ~3;
}
