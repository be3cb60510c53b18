/**
 * Runs a step of grouped attention over the cache itself where its rows lie in order from the first on, else over a mirror.
 * Either way rows that are not the step's own are afterwards as they were.
 */
import type { OnnxState } from "./cache.js";
import { KvBuffer } from "./kv-buffer.js";
import type { StepFeeds } from "./step-feeds.js";
import type { Step } from "./steps.js";

export async function runGrouped<T>(
  given: StepFeeds,
  { rows, tokens }: Step,
  state: OnnxState,
  run: () => Promise<T>,
): Promise<T> {
  const past = rows.length - tokens.length;
  if (rows.every((row, j) => row === j)) {
    state.makeRoom(given.total);
    const padding = new SavedRows(state.buffer, rows.length, Math.min(given.total, state.rows));
    given.addGrouped(state.buffer);
    const result = await run().finally(() => padding.restore());
    for (const row of rows.slice(past)) state.touch(row);
    return result;
  }
  const mirror = state.mirrors.of(rows.slice(0, past), given.total, state);
  given.addGrouped(mirror.buffer);
  const result = await run();
  mirror.store(rows, state);
  return result;
}

/** Rows that padding is written over. */
class SavedRows {
  readonly #buffer: KvBuffer;
  readonly #copy: KvBuffer | undefined;
  readonly #from: number;
  readonly #count: number;

  constructor(buffer: KvBuffer, from: number, to: number) {
    this.#buffer = buffer;
    this.#from = from;
    this.#count = to - from;
    if (this.#count <= 0) return;
    this.#copy = new KvBuffer(buffer.sizes);
    this.#copy.resize(this.#count);
    this.#copy.copyFrom(buffer, from, 0, this.#count);
  }

  restore(): void {
    if (this.#copy) this.#buffer.copyFrom(this.#copy, 0, this.#from, this.#count);
  }
}
