/**
 * Sequences whose rows lie scattered in the cache, each with its rows in order in a buffer of its own, as
 * GroupQueryAttention wants them. A mirror knows which contents of which rows it holds: the next call of a sequence copies
 * only what is new. A few are kept, the one longest unused is given up.
 */
import { KvBuffer, type KvSizes } from "./kv-buffer.js";

/** Each is as large as its sequence. */
const MOST_MIRRORS = 2;
const GROWTH = 1.5;

/** The cache as a mirror sees it. */
export interface StampedRows {
  readonly buffer: KvBuffer;
  /** Which writing each row's contents are of. */
  readonly stamps: Float64Array;
  /** Notes that a row has new contents. */
  touch(row: number): void;
}

export class Mirror {
  readonly buffer: KvBuffer;
  /** Rows that are as in the cache. */
  #length = 0;
  #rows = new Int32Array(0);
  #stamps = new Float64Array(0);

  constructor(sizes: KvSizes) {
    this.buffer = new KvBuffer(sizes);
  }

  get length(): number {
    return this.#length;
  }

  /** How many of the first of these rows it holds as they are now. */
  valid(rows: readonly number[], state: StampedRows): number {
    const most = Math.min(this.#length, rows.length);
    let count = 0;
    while (
      count < most &&
      this.#rows[count] === rows[count] &&
      this.#stamps[count] === state.stamps[rows[count]!]
    )
      count++;
    return count;
  }

  /** Makes the first rows those; what lies behind them may be written to. */
  load(rows: readonly number[], capacity: number, state: StampedRows): void {
    if (capacity > this.buffer.capacity) this.#grow(Math.ceil(capacity * GROWTH));
    this.#length = this.valid(rows, state);
    for (const { from, to, count } of runsOf(rows, this.#length)) {
      this.buffer.copyFrom(state.buffer, from, to, count);
    }
    this.#note(rows, state);
  }

  /** Writes the rows after the loaded ones to the cache. */
  store(rows: readonly number[], state: StampedRows): void {
    for (const { from, to, count } of runsOf(rows, this.#length))
      state.buffer.copyFrom(this.buffer, to, from, count);
    for (const row of rows.slice(this.#length)) state.touch(row);
    this.#note(rows, state);
  }

  #note(rows: readonly number[], state: StampedRows): void {
    for (let i = this.#length; i < rows.length; i++) {
      this.#rows[i] = rows[i]!;
      this.#stamps[i] = state.stamps[rows[i]!]!;
    }
    this.#length = rows.length;
  }

  #grow(capacity: number): void {
    this.buffer.resize(capacity);
    const [rows, stamps] = [new Int32Array(capacity), new Float64Array(capacity)];
    rows.set(this.#rows);
    stamps.set(this.#stamps);
    this.#rows = rows;
    this.#stamps = stamps;
  }
}

export class Mirrors {
  readonly #sizes: KvSizes;
  /** The longest unused first. */
  #mirrors: Mirror[] = [];

  constructor(sizes: KvSizes) {
    this.#sizes = sizes;
  }

  /** One that these rows go on from, a new one, or else the one longest unused; loaded with the rows. */
  of(rows: readonly number[], capacity: number, state: StampedRows): Mirror {
    const own = this.#mirrors.findIndex(
      (mirror) => mirror.length > 0 && mirror.valid(rows, state) === mirror.length,
    );
    const index = own < 0 && this.#mirrors.length === MOST_MIRRORS ? 0 : own;
    const mirror = index < 0 ? new Mirror(this.#sizes) : this.#mirrors.splice(index, 1)[0]!;
    this.#mirrors.push(mirror);
    mirror.load(rows, capacity, state);
    return mirror;
  }

  clear(): void {
    this.#mirrors = [];
  }
}

/** Rows from the index `first` on as runs of neighbours. */
function runsOf(rows: readonly number[], first: number): { from: number; to: number; count: number }[] {
  const runs: { from: number; to: number; count: number }[] = [];
  for (let to = first; to < rows.length; to++) {
    const run = runs.at(-1);
    if (run && run.from + run.count === rows[to]) run.count++;
    else runs.push({ from: rows[to]!, to, count: 1 });
  }
  return runs;
}
