/**
 * Weights that lie within others, without a copy: rows or columns of a matrix, or the same bytes in another shape. For files
 * that store several matrices as one.
 */
import { byteLength, rowByteLength, type TensorSpec } from "../tensor/tensor.js";
import type { WeightSource, WeightSources } from "../tensor/weights.js";

/** Bytes of whole rows that a view of columns reads at a time. */
const PIECE_BYTES = 1 << 20;

/** Rows [first, first + count) of a matrix; elements of a vector. */
export function rowsOf(source: WeightSource, first: number, count: number): WeightSource {
  const { dtype, shape } = source.spec;
  const rowBytes = byteLength({ dtype, shape: [1, ...shape.slice(1)] });
  return shifted(source, { dtype, shape: [count, ...shape.slice(1)] }, first * rowBytes);
}

/** The same bytes in another shape, whose rows must be whole blocks. */
export function reshaped(source: WeightSource, shape: readonly number[]): WeightSource {
  return shifted(source, { dtype: source.spec.dtype, shape }, 0);
}

/** Columns [first, first + count) of a matrix; both must be whole blocks. */
export function columnsOf(source: WeightSource, first: number, count: number): WeightSource {
  const { dtype, shape } = source.spec;
  const rows = shape[0]!;
  const fullBytes = rowByteLength(source.spec);
  const [start, bytes] = [first, count].map((columns) => rowByteLength({ dtype, shape: [columns] }));
  return {
    spec: { dtype, shape: [rows, count] },
    place: source.place && { ...source.place, offset: source.place.offset + start! },
    async readInto(offset, target, signal) {
      let done = 0;
      while (done < target.byteLength) {
        const row = Math.floor((offset + done) / bytes!);
        const last = Math.ceil((offset + target.byteLength) / bytes!);
        const count = Math.min(last - row, Math.max(1, Math.floor(PIECE_BYTES / fullBytes)));
        const piece = new Uint8Array(count * fullBytes);
        await source.readInto(row * fullBytes, piece, signal);
        for (let i = 0; i < count; i++) {
          const skipped = offset + done - (row + i) * bytes!; // of this row's part, before the range that is asked for
          const from = i * fullBytes + start! + skipped;
          const length = Math.min(bytes! - skipped, target.byteLength - done);
          target.set(piece.subarray(from, from + length), done);
          done += length;
        }
      }
    },
  };
}

/**
 * Weights of which some are replaced by views of their parts, in the order of the file.
 * @param split the parts of a weight by name, or undefined for one that stays as it is
 */
export function withViews(
  weights: WeightSources,
  split: (name: string, source: WeightSource) => readonly (readonly [string, WeightSource])[] | undefined,
): WeightSources {
  return new Map([...weights].flatMap(([name, source]) => split(name, source) ?? [[name, source] as const]));
}

function shifted(source: WeightSource, spec: TensorSpec, start: number): WeightSource {
  const { place } = source;
  return {
    spec,
    place: place && { ...place, offset: place.offset + start },
    readInto: (offset, target, signal) => source.readInto(start + offset, target, signal),
  };
}
