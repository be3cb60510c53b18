/** Which cached rows a call needs, and what each of its tokens sees of them and of the new ones. */
import type { CacheIndices, MaskFeed } from "../emit/feeds.js";

/** A score that far down is 0 after softmax, and no NaN where a token sees nothing. */
const HIDDEN = -1e30;

/** The index inputs of a call. */
export type Indices = Readonly<Record<keyof CacheIndices, Int32Array>>;

export interface Visibility {
  /** Rows of the cache that the call reads and does not write. */
  readonly past: readonly number[];
  /** @returns f32[tokens, past + tokens] */
  mask(feed: MaskFeed): Float32Array;
}

/** @param cached positions of the cache's rows, before the call */
export function visibilityOf(indices: Indices, blockRows: number, cached: Int32Array): Visibility {
  const { positions, sequences, writeRows, lengths } = indices;
  const tokens = positions.length;
  const written = new Map([...writeRows].map((row, t) => [row, t]));
  const rowsBySequence = new Map(
    [...new Set(sequences)].map((sequence) => [
      sequence,
      rowsOf(indices, sequence, lengths[sequence]!, blockRows),
    ]),
  );
  const past = [...new Set([...rowsBySequence.values()].flat())].filter((row) => !written.has(row));
  const column = new Map(past.map((row, i) => [row, i]));
  for (const [row, t] of written) column.set(row, past.length + t);
  const positionOf = (row: number) => {
    const t = written.get(row);
    return t === undefined ? cached[row]! : positions[t]!;
  };
  return {
    past,
    mask({ causal, window }) {
      const columns = past.length + tokens;
      const mask = new Float32Array(tokens * columns).fill(HIDDEN);
      sequences.forEach((sequence, t) => {
        const query = positions[t]!;
        for (const row of rowsBySequence.get(sequence)!) {
          const key = positionOf(row);
          const sees = (!causal || key <= query) && (window === undefined || query - key < window);
          if (sees) mask[t * columns + column.get(row)!] = 0;
        }
      });
      return mask;
    },
  };
}

function rowsOf(
  { blockTable, lengths }: Indices,
  sequence: number,
  length: number,
  blockRows: number,
): number[] {
  const columns = blockTable.length / lengths.length;
  return Array.from({ length }, (_, j) => {
    const block = blockTable[sequence * columns + Math.floor(j / blockRows)]!;
    return block * blockRows + (j % blockRows);
  });
}
