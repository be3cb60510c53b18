/** Cosines and sines in float32: of a call's tokens, or of the cache's rows, which are kept from call to call. */
import { fillRotationTable, type RopeAttrs, sameRotation } from "@millet/core/ops";
import type { OrtLike, OrtTensor } from "../runtime/ort.js";

/** f32[rows, pairs] each. */
export interface RotationTable {
  readonly cos: OrtTensor;
  readonly sin: OrtTensor;
}

/** Tables for the cache start with so many rows, and double. */
const FIRST_ROWS = 256;

export function rotationTable(
  rope: RopeAttrs,
  positions: Int32Array,
  Tensor: OrtLike["Tensor"],
): RotationTable {
  const pairs = rope.inverseFrequencies.length;
  const rows = positions.length;
  const both = new Float32Array(2 * pairs * rows);
  fillRotationTable(both, rope, positions);
  const [cos, sin] = [new Float32Array(pairs * rows), new Float32Array(pairs * rows)];
  for (let row = 0; row < rows; row++) {
    cos.set(both.subarray(2 * row * pairs, (2 * row + 1) * pairs), row * pairs);
    sin.set(both.subarray((2 * row + 1) * pairs, (2 * row + 2) * pairs), row * pairs);
  }
  const dims = [rows, pairs];
  return { cos: new Tensor("float32", cos, dims), sin: new Tensor("float32", sin, dims) };
}

/** Tables whose row i is of position i, as long as they have to be; executables of one model share them. */
export class RotationTables {
  readonly #tables: { readonly rope: RopeAttrs; rows: number; table: RotationTable }[] = [];

  /** At least so many rows. */
  of(rope: RopeAttrs, rows: number, Tensor: OrtLike["Tensor"]): RotationTable {
    const known = this.#tables.find((entry) => sameRotation(entry.rope, rope));
    if (known && known.rows >= rows) return known.table;
    let count = known?.rows ?? FIRST_ROWS;
    while (count < rows) count *= 2;
    const table = rotationTable(
      rope,
      Int32Array.from({ length: count }, (_, i) => i),
      Tensor,
    );
    if (known) Object.assign(known, { rows: count, table });
    else this.#tables.push({ rope, rows: count, table });
    return table;
  }
}
