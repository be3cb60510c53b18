/**
 * Serves reads of a remote file from few large requests. Reading that goes forward becomes a stream; two streams are
 * kept, so that two places may be read in turns. Memory: at most 28 MiB and the network's own buffers, freed after a
 * few seconds without reads; reads of more than two distant places at the same time add a stream each meanwhile.
 */
import { MilletError } from "../errors.js";
import { type FetchRange, RangeStream } from "./range-stream.js";

const STREAMS = 2;
/** A request on which nobody has waited for so long ends, and its bytes are forgotten. */
const IDLE_MS = 5000;

export class ReadAhead {
  readonly #file: { readonly name: string; readonly byteLength: number };
  readonly #fetchRange: FetchRange;
  /** The one that was read last is last. */
  #streams: RangeStream[];
  #idle: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param file its name and size
   * @param first the file's first bytes, which are there already
   */
  constructor(
    file: { readonly name: string; readonly byteLength: number },
    first: Uint8Array,
    fetchRange: FetchRange,
  ) {
    this.#file = file;
    this.#fetchRange = fetchRange;
    const stream = new RangeStream(file, 0, fetchRange);
    stream.push(first);
    this.#streams = [stream];
  }

  /** Fills `target` from `offset` on; both lie within the file. Throws as the fetch does, and ABORTED. */
  async readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (target.byteLength === 0) return;
    const stream = this.#streamAt(offset);
    this.#streams = [...this.#streams.filter((other) => other !== stream), stream];
    try {
      await stream.readInto(offset, target, signal);
    } finally {
      this.#watchIdle();
    }
  }

  /** Ends all requests; reads that wait fail with `error`. */
  stop(error: MilletError): void {
    clearTimeout(this.#idle);
    for (const stream of this.#streams) stream.stop(error);
    this.#streams = [];
  }

  #streamAt(offset: number): RangeStream {
    this.#streams = this.#streams.filter((stream) => stream.isAlive);
    const known = this.#streams.findLast((stream) => stream.covers(offset));
    if (known) return known;
    const spare = this.#streams.filter((stream) => !stream.isAwaited);
    for (const old of spare.slice(0, Math.max(0, this.#streams.length - STREAMS + 1))) {
      old.stop(unusedError(this.#file.name));
      this.#streams = this.#streams.filter((stream) => stream !== old);
    }
    return new RangeStream(this.#file, offset, this.#fetchRange);
  }

  #watchIdle(): void {
    clearTimeout(this.#idle);
    if (this.#streams.length === 0 || this.#streams.some((stream) => stream.isAwaited)) return;
    this.#idle = setTimeout(() => this.stop(unusedError(this.#file.name)), IDLE_MS);
    // In Node the timer alone shall not keep the program running.
    if (typeof this.#idle === "object") this.#idle.unref();
  }
}

/** Reaches nobody: only streams for which no read waits are dropped. */
function unusedError(name: string): MilletError {
  return new MilletError("ABORTED", `Reading ahead in ${name} was given up, since nobody read on.`);
}
