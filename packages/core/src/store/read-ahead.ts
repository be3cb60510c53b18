/**
 * Serves small reads from one window of bytes that was fetched ahead, so that a file's many small tensors do not cost
 * a request each. Large reads take what the window has and fetch the rest straight into their target.
 */
import { isMilletError } from "../errors.js";

/** Fills `target` from `offset` on. */
export type FetchInto = (offset: number, target: Uint8Array, signal?: AbortSignal) => Promise<void>;

/** A read below this opens a window. */
const SMALL_BYTES = 256 << 10;
const WINDOW_BYTES = 1 << 20;

interface Window {
  readonly start: number;
  readonly end: number;
  readonly bytes: Promise<Uint8Array>;
}

export class ReadAhead {
  readonly #byteLength: number;
  readonly #fetchInto: FetchInto;
  #window: Window | undefined;

  /**
   * @param byteLength size of the file
   * @param first the file's first bytes, which are there already
   */
  constructor(byteLength: number, first: Uint8Array, fetchInto: FetchInto) {
    this.#byteLength = byteLength;
    this.#fetchInto = fetchInto;
    this.#window = { start: 0, end: first.byteLength, bytes: Promise.resolve(first) };
  }

  async readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    let done = 0;
    while (done < target.byteLength) {
      const at = offset + done;
      const rest = target.byteLength - done;
      const window = this.#window;
      if (window && at >= window.start && at < window.end) {
        const bytes = await this.#bytesOf(window, signal);
        if (!bytes) continue; // its owner gave up: open another one
        const piece = bytes.subarray(at - window.start, at - window.start + rest);
        target.set(piece, done);
        done += piece.byteLength;
      } else if (rest < SMALL_BYTES) {
        this.#open(at, signal);
      } else {
        await this.#fetchInto(at, target.subarray(done), signal);
        done = target.byteLength;
      }
    }
  }

  /** Forgets the window. */
  clear(): void {
    this.#window = undefined;
  }

  #open(start: number, signal: AbortSignal | undefined): void {
    const bytes = new Uint8Array(Math.min(WINDOW_BYTES, this.#byteLength - start));
    const fetched = this.#fetchInto(start, bytes, signal).then(() => bytes);
    this.#window = { start, end: start + bytes.byteLength, bytes: fetched };
  }

  /** The window's bytes; undefined if the read that opened it was aborted while this one was not. */
  async #bytesOf(window: Window, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    try {
      return await window.bytes;
    } catch (error) {
      if (this.#window === window) this.#window = undefined;
      if (isMilletError(error) && error.code === "ABORTED" && !signal?.aborted) return undefined;
      throw error;
    }
  }
}
