/**
 * How a sequence's cached rows are cut into spans, each the work of one workgroup. The cuts depend on nothing but the
 * index of a row, so that a row's result does not depend on what else a call holds. Spans double in size every 32, so
 * that their number, and the memory for their results, grows with the logarithm of the context.
 */

/** Rows of the first spans, and those that a workgroup handles at a time. */
export const TILE_ROWS = 64;
const SPANS_PER_LEVEL = 32;
const LEVEL_ROWS = TILE_ROWS * SPANS_PER_LEVEL;

/** First row of the `index`-th span. */
export function spanBegin(index: number): number {
  const level = Math.floor(index / SPANS_PER_LEVEL);
  return LEVEL_ROWS * (2 ** level - 1) + (index % SPANS_PER_LEVEL) * TILE_ROWS * 2 ** level;
}

/** Spans of a sequence of `length` rows. */
export function spanCount(length: number): number {
  if (length <= 0) return 0;
  const last = length - 1;
  const level = 31 - Math.clz32(Math.floor(last / LEVEL_ROWS) + 1);
  const within = last - LEVEL_ROWS * (2 ** level - 1);
  return level * SPANS_PER_LEVEL + Math.floor(within / (TILE_ROWS * 2 ** level)) + 1;
}

/** The same two functions in WGSL. */
export const SPANS_WGSL = `
fn span_begin(index: u32) -> u32 {
  let level = index / ${SPANS_PER_LEVEL}u;
  return ${LEVEL_ROWS}u * ((1u << level) - 1u) + (index % ${SPANS_PER_LEVEL}u) * (${TILE_ROWS}u << level);
}
fn span_count(length: u32) -> u32 {
  if (length == 0u) { return 0u; }
  let last = length - 1u;
  let level = firstLeadingBit(last / ${LEVEL_ROWS}u + 1u);
  let within = last - ${LEVEL_ROWS}u * ((1u << level) - 1u);
  return level * ${SPANS_PER_LEVEL}u + within / (${TILE_ROWS}u << level) + 1u;
}`;
