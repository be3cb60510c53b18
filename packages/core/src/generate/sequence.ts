/** A sequence in the KV cache: the tokens whose rows are there, and the blocks that hold them. */

/** Only the KvCache that made a sequence changes it. */
export interface Sequence {
  /** Token of each cached row; the row's position is its index. */
  readonly tokens: readonly number[];
  /** Block of rows 0 .. blockRows - 1, of the next blockRows rows, and so on; may reach beyond `tokens`. */
  readonly blocks: readonly number[];
}

/** Length of the longest common prefix, at most `limit`. */
export function commonPrefix(a: readonly number[], b: readonly number[], limit = Infinity): number {
  const most = Math.min(a.length, b.length, limit);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
