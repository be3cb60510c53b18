/**
 * One place of a file at which reading goes forward: keeps the last bytes that came, hands new ones to the reads that
 * wait for them as they arrive, and, once reading proves to go on, asks for growing ranges ahead of the reads.
 */
import { abortedError } from "../errors.js";

/** The bytes [start, end) of a file in pieces, in order. Stops with ABORTED on `signal`. */
export type FetchRange = (start: number, end: number, signal: AbortSignal) => AsyncIterable<Uint8Array>;

const MIB = 1 << 20;
/** A read below this brings the bytes behind it, so that a file's many small parts do not cost a request each. */
const SMALL_BYTES = 256 << 10;
const FIRST_REQUEST_BYTES = MIB;
/** A request asks for this many times what was read in one go before it, up to a limit. */
const GROWTH = 8;
const LARGEST_REQUEST_BYTES = 64 * MIB;
/** How far bytes may come ahead of the reads; then the connection waits. */
const AHEAD_BYTES = 8 * MIB;
/** Bytes that were read stay this long, for reads that go back a little. */
const BEHIND_BYTES = 4 * MIB;
/** A read this far beyond what has come waits for the bytes between. */
const SKIP_BYTES = 2 * MIB;

/** A piece of the file. */
interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** A read that waits for bytes from `at` on. */
interface Wait {
  at: number;
  rest: Uint8Array;
  /** With success, or with an error. */
  settle(error?: unknown): void;
}

/** Keeps at most AHEAD + BEHIND + SKIP = 14 MiB, and the piece that came last. */
export class RangeStream {
  readonly #name: string;
  readonly #byteLength: number;
  readonly #fetchRange: FetchRange;
  readonly #start: number;
  readonly #stop = new AbortController();
  readonly #waits = new Set<Wait>();
  #pieces: Piece[] = [];
  /** Where the bytes that have come end, and those that were asked for. */
  #end: number;
  #requestEnd: number;
  /** Where the furthest read has got to. */
  #position: number;
  #reads = 0;
  #isFetching = false;
  #resume: (() => void) | undefined;

  /**
   * @param file name and size of the file
   * @param start where the stream begins
   */
  constructor(
    { name, byteLength }: { readonly name: string; readonly byteLength: number },
    start: number,
    fetchRange: FetchRange,
  ) {
    this.#name = name;
    this.#byteLength = byteLength;
    this.#fetchRange = fetchRange;
    this.#start = this.#end = this.#requestEnd = this.#position = start;
  }

  /** False once it was stopped or failed: what it keeps must not be used any more. */
  get isAlive(): boolean {
    return !this.#stop.signal.aborted;
  }

  /** True while a read waits. */
  get isAwaited(): boolean {
    return this.#waits.size > 0;
  }

  /** Takes bytes that follow the ones it has. */
  push(bytes: Uint8Array): void {
    const piece = { start: this.#end, bytes };
    this.#pieces.push(piece);
    this.#end += bytes.byteLength;
    this.#requestEnd = Math.max(this.#requestEnd, this.#end);
    for (const wait of this.#waits) this.#take(wait, piece);
    const kept = this.#pieces.findIndex(({ start, bytes }) => start + bytes.byteLength > this.#oldest);
    if (kept > 0) this.#pieces.splice(0, kept);
  }

  /** True if bytes at `offset` are here or will soon pass. */
  covers(offset: number): boolean {
    const awaited = this.#awaitedEnd;
    const reach = Math.min(awaited + SKIP_BYTES, Math.max(this.#requestEnd, awaited + this.#run));
    return this.isAlive && offset >= (this.#pieces[0]?.start ?? this.#start) && offset <= reach;
  }

  /** Fills `target` from an `offset` that it covers. Nothing is asked of the network if the bytes are here. */
  async readInto(offset: number, target: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    this.#reads++;
    const wait: Wait = { at: offset, rest: target, settle: () => undefined };
    for (const piece of this.#pieces) this.#take(wait, piece);
    const done = wait.rest.byteLength === 0 ? undefined : this.#wait(wait, signal);
    this.#resume?.();
    void this.#fetch();
    await done;
  }

  /** Ends its request; reads that wait fail with `error`. */
  stop(error: unknown): void {
    this.#stop.abort();
    for (const wait of this.#waits) wait.settle(error);
    this.#pieces = [];
    this.#resume?.();
  }

  /** How far reading went on from the start. */
  get #run(): number {
    return this.#position - this.#start;
  }

  /** Where the bytes end that have come or that a read waits for. */
  get #awaitedEnd(): number {
    return Math.max(this.#end, ...[...this.#waits].map(({ at, rest }) => at + rest.byteLength));
  }

  /** The second bound matters only if a read gave up before which others wait further on. */
  get #oldest(): number {
    return Math.max(this.#position - BEHIND_BYTES, this.#end - AHEAD_BYTES - BEHIND_BYTES - SKIP_BYTES);
  }

  #take(wait: Wait, { start, bytes }: Piece): void {
    const from = wait.at - start;
    if (from < 0 || from >= bytes.byteLength) return;
    const part = bytes.subarray(from, from + wait.rest.byteLength);
    wait.rest.set(part);
    wait.rest = wait.rest.subarray(part.byteLength);
    wait.at += part.byteLength;
    this.#position = Math.max(this.#position, wait.at);
    if (wait.rest.byteLength === 0) wait.settle();
  }

  #wait(wait: Wait, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        const error = abortedError(signal, `Reading ${this.#name}`);
        wait.settle(error);
        if (!this.isAwaited) this.stop(error);
      };
      wait.settle = (error) => {
        this.#waits.delete(wait);
        signal?.removeEventListener("abort", abort);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#waits.add(wait);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Fetches while there is a reason to. A failure goes to the reads that wait; without one, nobody needed the bytes. */
  async #fetch(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      while (this.isAlive && this.#wantsRequest()) {
        this.#requestEnd = Math.min(this.#byteLength, this.#end + this.#requestBytes());
        for await (const bytes of this.#fetchRange(this.#end, this.#requestEnd, this.#stop.signal)) {
          if (!this.isAlive) return;
          this.push(bytes);
          while (this.isAlive && !this.#hasRoom()) await this.#pause();
        }
      }
    } catch (error) {
      this.stop(error);
    } finally {
      this.#isFetching = false;
    }
  }

  #wantsRequest(): boolean {
    if (this.isAwaited) return true;
    const isSequential = this.#reads > 1 && this.#run >= FIRST_REQUEST_BYTES;
    return isSequential && this.#end < this.#byteLength && this.#end - this.#position < this.#ahead / 2;
  }

  #requestBytes(): number {
    const needed = this.#awaitedEnd - this.#end;
    if (this.#run === 0 && needed >= SMALL_BYTES) return needed;
    const grown = Math.min(LARGEST_REQUEST_BYTES, GROWTH * this.#run);
    return Math.max(needed, FIRST_REQUEST_BYTES, grown);
  }

  #hasRoom(): boolean {
    return this.isAwaited || this.#end - this.#position < this.#ahead;
  }

  /** As far ahead as reading has come, within limits: a header's reader does not bring megabytes of weights. */
  get #ahead(): number {
    return Math.min(AHEAD_BYTES, Math.max(FIRST_REQUEST_BYTES, this.#run));
  }

  /** Until the next read. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }
}
