/**
 * Reads primitive values from a header that arrives in growing pieces. Where bytes are missing that the file has, a
 * parse stops with NeedBytes, the header grows, and the parse runs again from its start.
 * Every length and count is held against what is left of the file before anything is allocated or read for it.
 */
import { MilletError, type MilletErrorCode } from "../../errors.js";
import { createUtf8Decoder } from "../../platform/utf8.js";
import type { ByteSource } from "../../tensor/byte-source.js";

/** No header is read beyond this; the largest vocabularies in use take about 16 MiB. */
export const HEADER_LIMIT_BYTES = 32 << 20;
const FIRST_BYTES = 64 << 10;
const LARGE_BYTES = 1 << 20;

/** Thrown within a parse, never out of {@link HeaderReader}: bytes up to `end` are wanted. */
class NeedBytes {
  constructor(readonly end: number) {}
}

/** A position in the header's bytes that are there. All numbers are little endian. */
export class Cursor {
  readonly fileName: string;
  readonly fileBytes: number;
  readonly limit: number;
  readonly bytes: Uint8Array;
  position: number;
  readonly #view: DataView;

  constructor(source: ByteSource, bytes: Uint8Array, limit: number, position: number) {
    this.fileName = source.name;
    this.fileBytes = source.byteLength;
    this.limit = limit;
    this.bytes = bytes;
    this.position = position;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes of the file behind the position, whether they are here or not. */
  get remaining(): number {
    return this.fileBytes - this.position;
  }

  /** An error about the bytes at the position. */
  error(code: MilletErrorCode, what: string, next = "The file is damaged: get it again."): MilletError {
    const { fileName, position } = this;
    return new MilletError(code, `${fileName}, byte ${position}: ${what} ${next}`, {
      details: { fileName, position },
    });
  }

  /** Steps over `length` bytes, making sure that they are here; returns where they begin. */
  skip(length: number): number {
    const start = this.position;
    const end = start + length;
    if (end > this.bytes.byteLength) this.#missing(end);
    this.position = end;
    return start;
  }

  #missing(end: number): never {
    if (end > this.fileBytes) {
      const what = `the file ends at byte ${this.fileBytes}, amid its header.`;
      throw this.error(
        "GGUF_TRUNCATED",
        what,
        'The download is incomplete: run "millet pull --repair", or get the file again.',
      );
    }
    if (end > this.limit) {
      throw this.error("GGUF_BAD_COUNT", `the header is larger than ${HEADER_LIMIT_BYTES} bytes.`);
    }
    throw new NeedBytes(end);
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  /** A 64-bit count, length or offset as a number; above 2^53 only its magnitude is right. */
  size(): number {
    const at = this.skip(8);
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
  }

  /**
   * Refuses a count of things of at least `bytesEach` that the rest of the file cannot hold.
   * @throws MilletError GGUF_TRUNCATED if a longer file of plausible size would hold it, else `code`
   */
  checkFits(count: number, bytesEach: number, what: string, code: MilletErrorCode = "GGUF_BAD_COUNT"): void {
    const needed = count * bytesEach;
    if (needed <= this.remaining) return;
    const claim = `${count} ${what} take at least ${needed} bytes, but ${this.remaining} are left.`;
    if (needed > HEADER_LIMIT_BYTES) throw this.error(code, claim);
    throw this.error(
      "GGUF_TRUNCATED",
      claim,
      'The download is incomplete: run "millet pull --repair", or get the file again.',
    );
  }

  /** Steps over a string; returns the range of its bytes. */
  stringRange(what: string): { readonly start: number; readonly end: number } {
    const length = this.size();
    this.checkFits(length, 1, `bytes of ${what}`, "GGUF_BAD_STRING");
    const start = this.skip(length);
    return { start, end: start + length };
  }

  /** Steps over `count` strings, of which vocabularies have hundreds of thousands. */
  skipStrings(count: number, what: string): void {
    const view = this.#view;
    const end = this.bytes.byteLength;
    let position = this.position; // a local: a cold process waits for this loop
    for (let i = 0; i < count; i++) {
      const start = position + 8;
      const next = start <= end ? start + view.getUint32(start - 8, true) : end + 1;
      if (next <= end && view.getUint32(start - 4, true) === 0) {
        position = next;
        continue;
      }
      // The careful way for what is longer than 4 GiB, not here yet, or wrong.
      this.position = position;
      this.stringRange(what);
      position = this.position;
    }
    this.position = position;
  }

  /** A string that names something and so must be valid UTF-8. */
  name(what: string): string {
    const { start, end } = this.stringRange(what);
    try {
      return createUtf8Decoder({ fatal: true, ignoreBOM: true }).decode(this.bytes.subarray(start, end));
    } catch {
      throw this.error("GGUF_BAD_STRING", `${what} is not valid UTF-8.`);
    }
  }
}

/** Runs parses over the start of a file, reading more of it when a parse needs more. */
export class HeaderReader {
  readonly #source: ByteSource;
  readonly #limit: number;
  readonly #signal: AbortSignal | undefined;
  #bytes: Uint8Array = new Uint8Array();
  #position = 0;

  constructor(source: ByteSource, limit: number, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#limit = limit;
    this.#signal = signal;
  }

  /** The part of the file that was read so far. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Where the next parse begins. */
  get position(): number {
    return this.#position;
  }

  /** The result of `parse`, which may run several times and must not keep anything from a run that failed. */
  async run<T>(parse: (cursor: Cursor) => T): Promise<T> {
    for (;;) {
      const cursor = new Cursor(this.#source, this.#bytes, this.#limit, this.#position);
      try {
        const result = parse(cursor);
        this.#position = cursor.position;
        return result;
      } catch (error) {
        if (!(error instanceof NeedBytes)) throw error;
        await this.#grow(error.end);
      }
    }
  }

  /** At least fourfold, so that few reads and few repeated parses do; large headers twofold, to bring less for nothing. */
  async #grow(end: number): Promise<void> {
    const have = this.#bytes.byteLength;
    const wanted = Math.max(end, (have < LARGE_BYTES ? 4 : 2) * have, FIRST_BYTES);
    const size = Math.min(wanted, this.#limit, this.#source.byteLength);
    const grown = new Uint8Array(size);
    grown.set(this.#bytes);
    await this.#source.readInto(have, grown.subarray(have), this.#signal);
    this.#bytes = grown;
  }
}
