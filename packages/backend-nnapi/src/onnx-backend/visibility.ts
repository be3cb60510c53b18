/** Which cached rows a call needs, and what each of its tokens sees of them and of the new ones. */
import type { MaskFeed } from "../emit/feeds.js";
import { type Indices, rowsOf } from "./steps.js";

/** A score that far down is 0 after softmax, and no NaN where a token sees nothing. */
const HIDDEN = -1e30;

export interface Visibility {
  /** Rows of the cache that the call reads and does not write. */
  readonly past: readonly number[];
  /** @returns f32[padded tokens, past + padded tokens] */
  mask(feed: MaskFeed): Float32Array;
}

/**
 * @param cached positions of the cache's rows, before the call
 * @param tokens as many as the call has, or more that see nothing and that nobody sees
 */
export function visibilityOf(
  indices: Indices,
  blockRows: number,
  cached: Int32Array,
  tokens: number,
): Visibility {
  const { positions, sequences, writeRows } = indices;
  const written = new Map([...writeRows].map((row, t) => [row, t]));
  const rowsBySequence = new Map(
    [...new Set(sequences)].map((sequence) => [sequence, rowsOf(indices, sequence, blockRows)]),
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
